import { isUsedUp, toolUsesOf, usesOf } from "./limits.ts";
import type {
  LimitKind,
  Limits,
  Sums,
  ToolLimitKind,
  ToolLimits,
  ToolSums,
  Use,
} from "./limits.ts";
import { NO_TOOL_SUMS } from "./spent.ts";
import type { BudgetEntry, Spent } from "./spent.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** The limits of a run. */
export interface RunLimits {
  readonly perExecution: Limits;
  readonly perThread: Limits;
  readonly perTool: Readonly<Record<string, ToolLimits>>;
}

/** What one run has spent, counted in the process that runs it; every change can be kept as an entry. */
export interface Account {
  entry(): BudgetEntry;
  /** Counts what is worth keeping at once: not the time that goes by, nor what nothing limits. */
  changes(): number;
  /** Goes on from an entry of a higher revision: another process, or another graph, has counted on. */
  adopt(entry: BudgetEntry): void;
  /** The use of every limit of the execution and the thread. */
  uses(): Use[];
  /** The use of the limits of one tool. */
  toolUses(tool: string): Use[];
  /** Adds to what was spent; negative amounts take back what turned out not to be. */
  spend(amounts: Partial<Sums>): void;
  spendOnTool(tool: string, amounts: Partial<ToolSums>): void;
  /** Counts a tool call before it is made; the limit that stands against it, where one does. */
  takeToolCall(tool: string): Use | undefined;
  /** Takes a tool call back that was counted and never came to be. */
  returnToolCall(tool: string): void;
  changeExecution(change: Partial<BudgetEntry["execution"]>): void;
  changeThread(change: Partial<BudgetEntry["thread"]>): void;
}

/** Opens the account of a run on what was kept of it. */
export function openAccount(kept: BudgetEntry, limits: () => RunLimits, watch: Stopwatch): Account {
  let entry = kept;
  let timedMs = 0;
  let changes = 0;

  const change = (next: Pick<BudgetEntry, "execution" | "thread">, counts = true): void => {
    if (counts) changes += 1;
    entry = { v: 1, revision: entry.revision + 1, ...next };
  };
  const spend = (amounts: Partial<Sums>): void => {
    const { perExecution, perThread } = limits();
    const next = {
      execution: { ...entry.execution, ...added(entry.execution, amounts) },
      thread: { ...entry.thread, ...added(entry.thread, amounts) },
    };
    const kinds = Object.keys(amounts) as LimitKind[];
    const limited = kinds.some(
      (kind) => perExecution[kind] !== undefined || perThread[kind] !== undefined,
    );
    change(next, limited && amounts.wallTimeMs === undefined);
  };
  const measure = (): void => {
    const { perExecution, perThread } = limits();
    if (perExecution.wallTimeMs === undefined && perThread.wallTimeMs === undefined) return;
    const elapsedMs = watch.elapsedMs();
    if (elapsedMs <= timedMs) return;
    spend({ wallTimeMs: elapsedMs - timedMs });
    timedMs = elapsedMs;
  };
  const uses = (): Use[] => {
    measure();
    const { perExecution, perThread } = limits();
    const { execution, thread } = entry;
    return [
      ...usesOf("perExecution", perExecution, execution.sums, execution.extended),
      ...usesOf("perThread", perThread, thread.sums, thread.extended),
    ];
  };
  const toolUses = (tool: string): Use[] => {
    const { perTool } = limits();
    if (!Object.hasOwn(perTool, tool)) return [];
    return toolUsesOf(tool, perTool[tool] ?? {}, toolSums(tool));
  };
  const toolSums = (tool: string): ToolSums => {
    const { tools } = entry.execution;
    return (Object.hasOwn(tools, tool) ? tools[tool] : undefined) ?? NO_TOOL_SUMS;
  };
  const spendOnTool = (tool: string, amounts: Partial<ToolSums>): void => {
    if (!Object.hasOwn(limits().perTool, tool)) return;
    const before = toolSums(tool);
    const after: ToolSums = {
      calls: atLeastNothing(before.calls + (amounts.calls ?? 0)),
      wallTimeMs: before.wallTimeMs + (amounts.wallTimeMs ?? 0),
      retries: before.retries + (amounts.retries ?? 0),
    };
    const tools = { ...entry.execution.tools, [tool]: after };
    const { perTool } = limits();
    const kinds = Object.keys(amounts) as ToolLimitKind[];
    const limited = kinds.some((kind) => perTool[tool]?.[kind] !== undefined);
    change({ execution: { ...entry.execution, tools }, thread: entry.thread }, limited);
  };
  return {
    entry() {
      measure();
      return entry;
    },
    changes: () => changes,
    adopt(other) {
      if (other.revision > entry.revision) entry = other;
    },
    uses,
    toolUses,
    spend,
    spendOnTool,
    takeToolCall(tool) {
      const against = [
        ...toolUses(tool).filter(({ kind }) => kind !== "retries"),
        ...uses().filter(({ kind }) => kind === "toolCalls"),
      ].find(isUsedUp);
      if (against !== undefined) return against;
      spend({ toolCalls: 1 });
      spendOnTool(tool, { calls: 1 });
      return undefined;
    },
    returnToolCall(tool) {
      spend({ toolCalls: -1 });
      spendOnTool(tool, { calls: -1 });
    },
    changeExecution: (fields) =>
      change({ execution: { ...entry.execution, ...fields }, thread: entry.thread }),
    changeThread: (fields) =>
      change({ execution: entry.execution, thread: { ...entry.thread, ...fields } }),
  };
}

function added({ sums }: Spent, amounts: Partial<Sums>): { sums: Sums } {
  const next = { ...sums };
  for (const [kind, amount] of Object.entries(amounts) as [keyof Sums, number][]) {
    next[kind] = atLeastNothing(next[kind] + amount);
  }
  return { sums: next };
}

function atLeastNothing(amount: number): number {
  return Math.max(0, amount);
}
