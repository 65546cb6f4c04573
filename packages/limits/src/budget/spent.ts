import { LimitsError } from "../errors.ts";
import { LIMIT_KINDS, TOOL_LIMIT_KINDS } from "./limits.ts";
import type { Limits, Sums, ToolSums } from "./limits.ts";
import type { ExitBehavior } from "./options.ts";

/** What one execution or one thread has spent, and what it was told about it. */
export interface Spent {
  readonly sums: Sums;
  /** What a person allowed beyond the limits. */
  readonly extended: Limits;
  /** Limits whose warning is out. */
  readonly warned: readonly string[];
  /** Limits that were reported as used up. */
  readonly reported: readonly string[];
}

/** The entry of the private channel: everything a run must remember about its budgets, of fixed size. */
export interface BudgetEntry {
  readonly v: 1;
  /** Counts the changes; the higher one holds, whichever task was applied last. */
  readonly revision: number;
  readonly execution: Spent & {
    readonly id: string;
    /** By name, of tools that have limits of their own. */
    readonly tools: Readonly<Record<string, ToolSums>>;
    /** Tokens left for retries; null until the first one is drawn. */
    readonly retryTokens: number | null;
    /** A limit at which a call was refused, so that the next model call has to end the run. */
    readonly overdrawn: string | null;
    /** By call site: how many answers it gave after the end. */
    readonly answers: Readonly<Record<string, number>>;
    /** How a person said the run is to end. */
    readonly exit: ExitBehavior | null;
    /** The task whose pauses were answered, and how many of them. */
    readonly paused: { readonly task: string; readonly times: number } | null;
  };
  readonly thread: Spent & {
    /** The execution that gave the thread's last answer. */
    readonly endedBy: string | null;
  };
}

/** The private channel of what an execution and its thread have spent. */
export const CHANNEL = "_budget";

/** The name of the entry inside its channel. */
export const ENTRY = "spent";

const NOTHING: Spent = {
  sums: zeroes(LIMIT_KINDS),
  extended: {},
  warned: [],
  reported: [],
};

/** The entry of an execution that has spent nothing, on a thread that may have. */
export function emptyEntry(executionId: string, before?: BudgetEntry): BudgetEntry {
  return {
    v: 1,
    revision: before?.revision ?? 0,
    execution: {
      ...NOTHING,
      id: executionId,
      tools: {},
      retryTokens: null,
      overdrawn: null,
      answers: {},
      exit: null,
      paused: null,
    },
    thread: before?.thread ?? { ...NOTHING, endedBy: null },
  };
}

/** Nothing spent on a tool yet. */
export const NO_TOOL_SUMS: ToolSums = zeroes(TOOL_LIMIT_KINDS);

/**
 * Reads what an earlier process, or an earlier execution of the thread, has left. One of a later
 * release is refused: to count on from something else would lose what was spent.
 */
export function readEntry(
  stored: unknown,
  executionId: string,
  middleware: string,
): BudgetEntry | undefined {
  if (stored === undefined || stored === null) return undefined;
  const held = stored as Partial<BudgetEntry>;
  if (held.v !== 1 || typeof held.execution !== "object" || typeof held.thread !== "object") {
    throw new LimitsError({
      code: "state-version-unsupported",
      middleware,
      message: `${middleware}: what this thread has spent is kept in version ${JSON.stringify(held.v)}; this release reads version 1. Resume it with the release that wrote it, or a later one.`,
      details: { came: held.v ?? null, allowed: [1] },
    });
  }
  const fresh = emptyEntry(executionId);
  const known: BudgetEntry = {
    v: 1,
    revision: held.revision ?? 0,
    // What an older release did not count yet counts from nothing.
    execution: { ...fresh.execution, ...held.execution, ...withSums(held.execution) },
    thread: { ...fresh.thread, ...held.thread, ...withSums(held.thread) },
  };
  return known.execution.id === executionId ? known : emptyEntry(executionId, known);
}

/** Which change an entry was kept at; none for what is no entry. */
export function revisionOf(stored: unknown): number {
  const { revision } = (stored ?? {}) as Partial<BudgetEntry>;
  return typeof revision === "number" ? revision : -1;
}

/** The entry as it is kept: it is written with every step, so what is nothing is left out. */
export function compact(entry: BudgetEntry): object {
  const { execution, thread } = entry;
  return { ...entry, execution: compactPart(execution), thread: compactPart(thread) };
}

function compactPart(part: Spent): object {
  const sums = Object.entries(part.sums).filter(([, amount]) => amount !== 0);
  const rest = Object.entries({ ...part, sums: Object.fromEntries(sums) });
  return Object.fromEntries(rest.filter(([, value]) => !isNothing(value)));
}

function isNothing(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

function withSums(spent: Partial<Spent> | undefined): { sums: Sums } {
  return { sums: { ...NOTHING.sums, ...spent?.sums } };
}

function zeroes<const Kind extends string>(kinds: readonly Kind[]): Record<Kind, number> {
  return Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
}
