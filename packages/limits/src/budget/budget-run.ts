import { scopeOf } from "../scope-of.ts";
import { openAccount } from "./account.ts";
import type { Account } from "./account.ts";
import { announcedCalls } from "./announced-calls.ts";
import type { AnnouncedCalls } from "./announced-calls.ts";
import { keepingOf } from "./keeping.ts";
import type { Keeping } from "./keeping.ts";
import { isUsedUp } from "./limits.ts";
import type { Use } from "./limits.ts";
import type { BudgetContext } from "./options.ts";
import { runRetries } from "./retries.ts";
import type { Retries } from "./retries.ts";
import { CHANNEL, ENTRY, emptyEntry, readEntry } from "./spent.ts";
import { steadyClock, stopwatch } from "./stopwatch.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** The budgets of one run in this process. */
export interface BudgetRun {
  readonly account: Account;
  readonly calls: AnnouncedCalls;
  readonly retries: Retries;
  readonly watch: Stopwatch;
  readonly clock: () => number;
  /** Call sites at work on their last answer. */
  readonly answering: Set<string>;
  /** Pauses that were gone through again by tasks of this process. */
  readonly replayed: Map<string, number>;
  /** Why what was spent is not known any more. */
  unknownCost: Error | undefined;
  readonly keeping: Keeping;
  /** Emits a warning for every limit that is near, once. */
  warn(context: BudgetContext, tool?: string): void;
  /** Reports a limit that ended something, once. */
  report(context: BudgetContext, use: Use): void;
}

/** The budgets of the run that asks, opened on what the checkpoint holds where they are not open yet. */
export function budgetRun(context: BudgetContext): BudgetRun {
  const known = context.memory.get("run") as BudgetRun | undefined;
  // Native createAgent: another process may have gone on with the thread meanwhile.
  if (known !== undefined && !context.native) return known;
  const { id } = context.execution;
  const held = readEntry(context.state.read(CHANNEL)[ENTRY], id, context.live.name);
  if (known !== undefined) {
    if (held !== undefined) known.account.adopt(held);
    return known;
  }
  const opened = openRun(context, held ?? emptyEntry(id));
  context.memory.set("run", opened);
  context.retryBudget.provide(opened.retries);
  return opened;
}

function openRun(context: BudgetContext, kept: ReturnType<typeof emptyEntry>): BudgetRun {
  const clock = steadyClock(context.now);
  const watch = stopwatch(clock);
  const account = openAccount(kept, () => context.options, watch);
  const keeping = keepingOf(account, () => warnOnce(context, "spending-not-kept"));
  const report = (from: BudgetContext, limit: string, detail: object): void => {
    if (!noteOnce(account, "reported", limit)) return;
    from.emit("budget-exhausted", {
      severity: limit.startsWith("perTool.") ? "medium" : "high",
      failure: limit.startsWith("perTool.") ? "tool-exhaustion" : "retry-budget-overflow",
      detail: { limit, ...detail },
    });
    from.annotate({ metadata: { evenkeel_budget_exhausted: limit } });
  };
  return {
    account,
    calls: announcedCalls(account),
    retries: runRetries({
      account,
      options: () => context.options.retryBudget,
      scope: scopeOf(context.live.scope, context.execution, context.live.name),
      observes: context.mode === "observe",
      report: (limit, facts) => report(context, limit, facts),
      keep: () => (context.node === null ? keeping.keep({ context }) : Promise.resolve()),
    }),
    watch,
    clock,
    answering: new Set(),
    replayed: new Map(),
    unknownCost: undefined,
    keeping,
    warn(from, tool) {
      const uses = [...account.uses(), ...(tool === undefined ? [] : account.toolUses(tool))];
      for (const { limit, spent, allowed } of uses) {
        if (allowed === 0 || spent < allowed * from.options.warnAt) continue;
        if (!noteOnce(account, "warned", limit)) continue;
        from.emit("budget-warned", { severity: "low", detail: { limit, spent, allowed } });
      }
    },
    report: (from, use) => {
      const { limit, spent, allowed } = use;
      const { exitBehavior } = from.options;
      const exits = use.scope !== "perTool" && isUsedUp(use);
      report(from, limit, { spent, allowed, ...(exits ? { exitBehavior } : {}) });
    },
  };
}

/** Says once per run what a budget could not do; the run goes on. */
export function warnOnce(
  context: BudgetContext,
  reason: string,
  detail: Readonly<Record<string, unknown>> = {},
): void {
  const said = `warned:${reason}`;
  if (context.memory.has(said)) return;
  context.memory.set(said, true);
  context.emit("middleware-warning", { severity: "medium", detail: { reason, ...detail } });
}

/** True the first time a limit is noted, by the execution or, where it is the thread's, by the thread. */
function noteOnce(account: Account, list: "warned" | "reported", limit: string): boolean {
  const { execution, thread } = account.entry();
  const ofThread = limit.startsWith("perThread.");
  const noted = ofThread ? thread[list] : execution[list];
  if (noted.includes(limit)) return false;
  const change = { [list]: [...noted, limit] };
  if (ofThread) account.changeThread(change);
  else account.changeExecution(change);
  return true;
}
