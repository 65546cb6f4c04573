import type { Account } from "./account.ts";
import type { BudgetContext } from "./options.ts";
import { latestSaver } from "./save-latest.ts";
import { CHANNEL, ENTRY, compact, revisionOf } from "./spent.ts";

/** A call as far as it matters for keeping: its context, and the task it is made in. */
interface KeepingCall {
  readonly context: BudgetContext;
  /** Undefined outside of a node. */
  readonly task?: string;
}

/** Keeps what a run has spent: in the updates of its nodes, and beside its checkpoints. */
export interface Keeping {
  /** Under `"sync"` a node that has completed is durable before the next one begins. */
  setDurable(durable: boolean): void;
  /** Settles once what was spent is durable. */
  keep(call: KeepingCall): Promise<void>;
  /** Leaves it to the node's own update, and sees to it where the node takes long. */
  keepSoon(call: KeepingCall): void;
  /** Keeps it beside the checkpoint at the end of a run, with the time it was at work. */
  keepAll(context: BudgetContext): Promise<void>;
}

/** How long what was spent may wait for its node to complete. */
const PATIENCE_MS = 100;

/** Opens the keeping of an account. */
export function keepingOf(account: Account, onError: () => void): Keeping {
  let durable = false;
  let seenChanges = account.changes();
  let savedTimeMs = account.entry().execution.sums.wallTimeMs;
  /** The revision that is worth keeping, and the one that is kept for every branch of the execution. */
  let due = -1;
  let saved = -1;
  /** Tasks whose updates are to carry it: what they read of it is their own writing. */
  const carriers = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const saver = latestSaver(onError);

  const settle = (): void => {
    clearTimeout(timer);
    carriers.clear();
  };
  const isKept = (): boolean => {
    if (account.changes() !== seenChanges) due = account.entry().revision;
    seenChanges = account.changes();
    return saved >= due;
  };
  const save = ({ context }: KeepingCall): Promise<void> => {
    settle();
    const entry = account.entry();
    savedTimeMs = entry.execution.sums.wallTimeMs;
    saved = entry.revision;
    // At once, so that it goes with the node even where saving beside the checkpoint fails.
    context.state.write(CHANNEL, { [ENTRY]: compact(entry) });
    return saver.request(() => context.state.save(CHANNEL, { [ENTRY]: compact(account.entry()) }));
  };
  /** The checkpoint this task began at holds what was left to another node's update. */
  const hasArrived = ({ context, task = "" }: KeepingCall): boolean =>
    durable &&
    isOutermost(task) &&
    !carriers.has(task) &&
    revisionOf(context.state.read(CHANNEL)[ENTRY]) >= due;
  return {
    setDurable: (value) => void (durable = value),
    async keep(call) {
      const { native, callSite } = call.context;
      // LangChain's tool hooks have nowhere to leave state: the next model call takes it along.
      const nowhere = native && callSite === null;
      if (nowhere || isKept()) return saver.settled();
      if (!hasArrived(call)) return save(call);
      settle();
      return saver.settled();
    },
    keepSoon(call) {
      const { context, task = "" } = call;
      if (isKept()) return;
      if (!durable || context.native || !isOutermost(task)) {
        void save(call);
        return;
      }
      context.state.write(CHANNEL, { [ENTRY]: compact(account.entry()) });
      carriers.add(task);
      clearTimeout(timer);
      timer = setTimeout(() => void save(call), PATIENCE_MS);
      timer.unref();
    },
    async keepAll(context) {
      const { wallTimeMs } = account.entry().execution.sums;
      // A fork of the execution, and its next attempt, find it beside the first checkpoint alone.
      if (isKept() && wallTimeMs === savedTimeMs) await saver.settled();
      else await save({ context });
    },
  };
}

/** A task of the graph that owns the run: one of a graph inside it may have no checkpoints of its own. */
function isOutermost(task: string): boolean {
  return task !== "" && !task.includes("|");
}
