import { eventEmitter } from "../event/emit.ts";
import type { EvenkeelEvent } from "../event/event.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import { sitesOf } from "../model/call-site.ts";
import { markRoot } from "../trace/live-root.ts";
import type { ExecutionInfo } from "./execution.ts";
import type { RunScope } from "./scope.ts";

/** Makes the scope of a run that begins in this process. */
export function runScope(
  plan: SeamPlan,
  execution: ExecutionInfo,
  startAfter: number,
  kept: Pick<RunScope, "anchor" | "keep" | "trace" | "attempts">,
): RunScope {
  const { clock = Date.now, onEvent, eventStore, strict = false, runMode = "live" } = plan.options;
  const listeners = onEvent === undefined ? [] : [onEvent];
  const run: RunScope = {
    execution,
    listeners,
    frozenOptions: new Map(),
    modes: new Map(),
    memory: new Map(),
    carried: new Map(),
    standing: new Map(),
    ...kept,
    onMissingNodes: undefined,
    clock,
    strict,
    sites: sitesOf(plan),
    reported: new Set(),
    savedSequence: startAfter,
    writer: undefined,
    unwritten: [],
    root: undefined,
    project: undefined,
    tracer: undefined,
    marks: { tags: new Set(), metadata: new Map(), late: false },
    superseded: false,
    ending: undefined,
    output: undefined,
    messages: [],
    beforeEnd: [],
    told: undefined,
    emitter: eventEmitter(() => run.execution, startAfter, {
      listeners,
      store: eventStore,
      clock,
      mode: runMode,
      fallback: (chunk) => (run.writer ?? ((late) => void run.unwritten.push(late)))(chunk),
      onSinkError: (error) => plan.options.onSinkError?.(error),
    }),
  };
  listeners.push((event) => markEvent(run, event));
  return run;
}

/** Reviewers see root-level tags and metadata first: what happened is said there. */
function markEvent(run: RunScope, event: EvenkeelEvent): void {
  if (event.severity === "info") return;
  markRoot(run, { tags: [`evenkeel:${event.name}`] });
}
