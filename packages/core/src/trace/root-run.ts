/** The part of a run tree that leads upward. */
export interface ClimbableRun {
  id: string;
  trace_id?: string;
  parent_run_id?: string;
  /** Its own id, where it was built from the headers of another process. */
  distributedParentId?: string;
}

/**
 * The root of the trace a run belongs to. A joined trace has its true root in another process, and
 * here a stand-in of it that is never sent: then it is the highest run that this process itself
 * will close, so that what is set on it reaches the trace.
 */
export function rootRun<Run extends ClimbableRun>(
  run: Run,
  tracer: { getRun(id: string): Run | undefined },
): Run {
  const root = run.trace_id === undefined ? undefined : tracer.getRun(run.trace_id);
  if (root !== undefined && !isStandIn(root)) return root;
  const seen = new Set([run.id]);
  let highest = run;
  for (;;) {
    const { parent_run_id: parentId } = highest;
    const parent = parentId === undefined ? undefined : tracer.getRun(parentId);
    if (parent === undefined || isStandIn(parent) || seen.has(parent.id)) return highest;
    seen.add(parent.id);
    highest = parent;
  }
}

function isStandIn(run: ClimbableRun): boolean {
  return run.distributedParentId === run.id;
}
