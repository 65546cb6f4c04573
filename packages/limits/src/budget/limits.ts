/** What can be limited, for a whole execution or a whole thread. */
export interface Limits {
  /** Input and output together. */
  readonly tokens?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** In the unit that `price` answers in. */
  readonly cost?: number;
  /** Time at work: what a run waits for a person between two processes is not counted. */
  readonly wallTimeMs?: number;
  /** Calls made, each try of a retried one. */
  readonly modelCalls?: number;
  /** Calls made, each try of a retried one. */
  readonly toolCalls?: number;
  /** Retries granted to any layer. */
  readonly retries?: number;
}

/** What can be limited for one tool. */
export interface ToolLimits {
  /** Calls made, each try of a retried one. */
  readonly calls?: number;
  /** The time its calls took, added up. */
  readonly wallTimeMs?: number;
  readonly retries?: number;
}

/** The kinds of limit there are for an execution or a thread. */
export const LIMIT_KINDS = [
  "tokens",
  "inputTokens",
  "outputTokens",
  "cost",
  "wallTimeMs",
  "modelCalls",
  "toolCalls",
  "retries",
] as const;

/** One of them. */
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** The kinds of limit a tool can have. */
export const TOOL_LIMIT_KINDS = ["calls", "wallTimeMs", "retries"] as const;

/** One of them. */
export type ToolLimitKind = (typeof TOOL_LIMIT_KINDS)[number];

/** What was spent, by kind. */
export type Sums = Readonly<Record<LimitKind, number>>;

/** What was spent on one tool, by kind. */
export type ToolSums = Readonly<Record<ToolLimitKind, number>>;

/** A limit and how much of it is used. */
export interface Use {
  /** Such as `perExecution.tokens` or `perTool.search.calls`. */
  readonly limit: string;
  readonly scope: "perExecution" | "perThread" | "perTool";
  readonly kind: LimitKind | ToolLimitKind;
  /** The tool, for a limit of one. */
  readonly tool: string | null;
  readonly spent: number;
  readonly allowed: number;
}

/** True where nothing is left. */
export function isUsedUp({ spent, allowed }: Use): boolean {
  return spent >= allowed;
}

/** The use of every limit of an execution or a thread that is set. */
export function usesOf(
  scope: "perExecution" | "perThread",
  limits: Limits,
  spent: Sums,
  extended: Limits,
): Use[] {
  return LIMIT_KINDS.flatMap((kind) => {
    const limit = limits[kind];
    if (limit === undefined) return [];
    const allowed = limit + (extended[kind] ?? 0);
    return [{ limit: `${scope}.${kind}`, scope, kind, tool: null, spent: spent[kind], allowed }];
  });
}

/** The use of every limit of one tool that is set. */
export function toolUsesOf(tool: string, limits: ToolLimits, spent: ToolSums): Use[] {
  return TOOL_LIMIT_KINDS.flatMap((kind) => {
    const allowed = limits[kind];
    if (allowed === undefined) return [];
    const limit = `perTool.${tool}.${kind}`;
    return [{ limit, scope: "perTool", kind, tool, spent: spent[kind], allowed }];
  });
}

const WORDS: Readonly<Record<Use["kind"], string>> = {
  tokens: "tokens",
  inputTokens: "input tokens",
  outputTokens: "output tokens",
  cost: "cost",
  wallTimeMs: "milliseconds of work",
  modelCalls: "model calls",
  toolCalls: "tool calls",
  retries: "retries",
  calls: "calls",
};

/** In words for a person or a model: `tokens: 10,240 of 10,000`. */
export function useInWords({ kind, spent, allowed }: Use): string {
  const shown = (amount: number): string =>
    amount.toLocaleString("en-US", { maximumFractionDigits: kind === "cost" ? 4 : 0 });
  return `${WORDS[kind]}: ${shown(spent)} of ${shown(allowed)}`;
}
