import type { RootRunFacts } from "../middleware.ts";
import { EXECUTION_CHANNEL } from "../run/execution.ts";
import { carry } from "../run/scope.ts";
import type { RunScope } from "../run/scope.ts";
import { rootRun } from "./root-run.ts";

/** The root run of a LangSmith trace while it is open; its final update carries tags and metadata. */
export interface LiveRootRun {
  id: string;
  trace_id?: string;
  dotted_order?: string;
  tags?: string[];
  extra?: { metadata?: Record<string, unknown> };
  start_time?: number | string;
  /** Set once it has ended. */
  end_time?: number | string;
}

/** Tags and metadata for the root run. */
export interface RootMarks {
  readonly tags: Set<string>;
  readonly metadata: Map<string, unknown>;
  /** True where some came after the root run's last update. */
  late: boolean;
}

/** The callback manager of a run as LangGraph holds it. */
export interface RunManager {
  readonly runId: string;
  readonly handlers?: readonly unknown[];
}

/** The parts of LangChain's tracer by which open runs are found and sent. */
export interface Tracer {
  name: string;
  projectName?: string;
  readonly runTreeMap?: Map<string, unknown>;
  getRun(id: string): LiveRootRun | undefined;
  getRunTreeWithTracingConfig?(
    id: string,
  ): { project_name?: string | undefined; patchRun(): Promise<void> } | undefined;
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
  // All attempts of a process hang under one run, and it is that one another process joins.
  const id = run.attempts?.parentRunId ?? manager?.runId;
  const own = id === undefined ? undefined : tracer?.getRun(id);
  if (own === undefined || tracer === undefined) return;
  void sendLateMarks(run);
  run.root = rootRun(own, tracer);
  run.project = projectOf(tracer, own.id);
  run.tracer = tracer;
  applyMarks(run);
  if (run.trace === undefined && own.dotted_order !== undefined) {
    run.trace = own.dotted_order;
    carry(run, EXECUTION_CHANNEL, { trace: run.trace });
  }
}

/** The project a run is sent to, which the run itself does not know until it is sent. */
function projectOf(tracer: Tracer, id: string): string | undefined {
  // Since @langchain/core 1.2.18 a tracer that was told none leaves it to each run to ask the environment.
  return tracer.projectName ?? tracer.getRunTreeWithTracingConfig?.(id)?.project_name;
}

/** Sends the root run's last update again where marks came after it, as with the event of a failure. */
export async function sendLateMarks({ root, tracer, marks }: RunScope): Promise<void> {
  if (!marks.late || root === undefined) return;
  marks.late = false;
  // The tracer knows how to send a run, and forgets it with its end.
  tracer?.runTreeMap?.set(root.id, root);
  try {
    await tracer?.getRunTreeWithTracingConfig?.(root.id)?.patchRun();
  } catch {
    // What a trace lacks is no reason to fail a run.
  } finally {
    tracer?.runTreeMap?.delete(root.id);
  }
}

/** The root run as it can be referred to once it has ended. */
export function rootFacts({ root, project, trace }: RunScope): RootRunFacts | null {
  if (root === undefined) return null;
  const { id, start_time: start, dotted_order: dottedOrder = null } = root;
  const startTime = start === undefined ? null : new Date(start).toISOString();
  const firstDottedOrder = trace ?? dottedOrder;
  return { id, project: project ?? null, startTime, dottedOrder, firstDottedOrder };
}

/** Tags and metadata to add to a root run. */
export interface NewMarks {
  tags?: readonly string[];
  metadata?: Readonly<Record<string, unknown>>;
}

/** Sets tags and metadata on the root run, now or as soon as there is one. */
export function markRoot(run: RunScope, marks: NewMarks): void {
  for (const tag of marks.tags ?? []) run.marks.tags.add(tag);
  for (const [key, value] of Object.entries(marks.metadata ?? {})) {
    run.marks.metadata.set(key, value);
  }
  applyMarks(run);
}

function applyMarks({ root, marks }: RunScope): void {
  if (root === undefined || (marks.tags.size === 0 && marks.metadata.size === 0)) return;
  setMarks(root, { tags: [...marks.tags], metadata: Object.fromEntries(marks.metadata) });
  if (root.end_time !== undefined) marks.late = true;
}

/** Adds tags and metadata to an open run of a trace. */
export function setMarks(root: LiveRootRun, { tags = [], metadata = {} }: NewMarks): void {
  root.tags = [...new Set([...(root.tags ?? []), ...tags])];
  root.extra = { ...root.extra, metadata: { ...root.extra?.metadata, ...metadata } };
}
