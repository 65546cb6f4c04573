import { EXECUTION_CHANNEL } from "./execution.ts";
import type { RootRunFacts } from "./middleware.ts";
import { bufferEntries } from "./private-state.ts";
import { rootRun } from "./root-run.ts";
import type { RunScope } from "./scope.ts";

/** The root run of a LangSmith trace while it is open; its final update carries tags and metadata. */
export interface LiveRootRun {
  id: string;
  trace_id?: string;
  dotted_order?: string;
  tags?: string[];
  extra?: { metadata?: Record<string, unknown> };
  project_name?: string;
  start_time?: number | string;
}

/** Tags and metadata for the root run. */
export interface RootMarks {
  readonly tags: Set<string>;
  readonly metadata: Map<string, unknown>;
}

/** The callback manager of a run as LangGraph holds it. */
export interface RunManager {
  readonly runId: string;
  readonly handlers?: readonly unknown[];
}

interface Tracer {
  name: string;
  getRun(id: string): LiveRootRun | undefined;
}

/** The LangChain tracer among callback handlers, where the run is traced. */
export function tracerOf(handlers: readonly unknown[] | undefined): Tracer | undefined {
  return handlers?.find(
    (handler): handler is Tracer =>
      typeof handler === "object" &&
      handler !== null &&
      (handler as { name?: unknown }).name === "langchain_tracer" &&
      typeof (handler as { getRun?: unknown }).getRun === "function",
  );
}

/** Connects a run to its custom stream and to the root of its trace, before the first step. */
export function attachRun(
  run: RunScope,
  manager: RunManager | undefined,
  writer: ((chunk: unknown) => void) | undefined,
): void {
  run.writer = writer;
  for (const chunk of run.unwritten.splice(0)) writer?.(chunk);
  const tracer = tracerOf(manager?.handlers);
  const own = manager === undefined ? undefined : tracer?.getRun(manager.runId);
  if (own === undefined) return;
  run.root = tracer === undefined ? own : rootRun(own, tracer);
  applyMarks(run);
  if (run.execution.isNew && own.dotted_order !== undefined) {
    bufferEntries(run.carried, EXECUTION_CHANNEL, { trace: own.dotted_order });
  }
}

/** The root run as it can be referred to once it has ended. */
export function rootFacts({ root }: RunScope): RootRunFacts | null {
  if (root === undefined) return null;
  const { id, project_name: project = null, start_time: start } = root;
  const startTime = start === undefined ? null : new Date(start).toISOString();
  return { id, project, startTime };
}

/** Sets tags and metadata on the root run, now or as soon as there is one. */
export function markRoot(
  run: RunScope,
  marks: { tags?: readonly string[]; metadata?: Readonly<Record<string, unknown>> },
): void {
  for (const tag of marks.tags ?? []) run.marks.tags.add(tag);
  for (const [key, value] of Object.entries(marks.metadata ?? {})) {
    run.marks.metadata.set(key, value);
  }
  applyMarks(run);
}

function applyMarks({ root, marks }: RunScope): void {
  if (root === undefined || (marks.tags.size === 0 && marks.metadata.size === 0)) return;
  root.tags = [...new Set([...(root.tags ?? []), ...marks.tags])];
  root.extra = {
    ...root.extra,
    metadata: { ...root.extra?.metadata, ...Object.fromEntries(marks.metadata) },
  };
}
