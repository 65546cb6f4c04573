import { SurvivalError } from "./survival-error.ts";
import type { RunSettings } from "./survival-job.ts";

/** What is counted in the world: one number, or one by kind of effect. */
export type EffectCounts = number | Readonly<Record<string, number>>;

/** What `expectSurvives` can be told. */
export interface SurvivalOptions {
  /** Answers to `interrupt()`, in the order in which the uncrashed run asks. @default [] */
  readonly answers?: readonly unknown[];
  /**
   * Counts the effects in the world, as a service's log or a table shows them; it is asked before and
   * after each run, and the difference must be that of the uncrashed run. @default how often each
   * call of a tool has begun
   */
  readonly effects?: (run: { readonly threadId: string }) => EffectCounts | Promise<EffectCounts>;
  /** Tools that may run again, as they only look. Without meaning where `effects` counts. @default [] */
  readonly readOnly?: readonly string[];
  /** The part of the state, as JSON, that must be equal. @default all of it */
  readonly compare?: (state: Readonly<Record<string, unknown>>) => unknown;
  /** Chooses boundaries to be killed at, by name. @default every one */
  readonly boundaries?: (boundary: string) => boolean;
  /** Of the run: `configurable`, `context`, `durability`, `recursionLimit`. @default {} */
  readonly config?: RunSettings;
  /** Leaves the graph the checkpointer it was compiled with. @default false */
  readonly ownCheckpointer?: boolean;
  /** Variables for the processes that run the graph, beside those of this one. @default {} */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Cases at a time. @default the number of processors; 1 where `effects` counts */
  readonly concurrency?: number;
  /** Longest one process may take, in milliseconds. @default 60000 */
  readonly timeoutMs?: number;
  /** Loads the graph from one bundled file, several times faster; see `crash()`. @default false */
  readonly bundle?: boolean;
}

const OPTIONS: Readonly<Record<keyof SurvivalOptions, string>> = {
  answers: "list",
  effects: "function",
  readOnly: "list",
  compare: "function",
  boundaries: "function",
  config: "object",
  ownCheckpointer: "boolean",
  env: "object",
  concurrency: "number",
  timeoutMs: "number",
  bundle: "boolean",
};

/** Refuses options that are none, and what another process could not be given. */
export function assertSurvivalOptions(input: unknown, options: SurvivalOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const allowed = OPTIONS[name as keyof SurvivalOptions] as string | undefined;
    if (allowed === undefined) {
      throw refuse(
        `there is no option \`${name}\`; allowed are ${Object.keys(OPTIONS).join(", ")}`,
      );
    }
    const came = Array.isArray(value) ? "list" : typeof value;
    if (value !== undefined && came !== allowed) {
      throw refuse(`\`${name}\` must be a ${allowed}; a ${came} came`);
    }
  }
  assertJson("the input", input);
  assertJson("`answers`", options.answers);
  assertJson("`config`", options.config);
}

/** What crosses a process boundary must be what it was. */
function assertJson(what: string, value: unknown, path = ""): void {
  if (value === undefined && path === "") return;
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (typeof value === "object") {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value) || prototype === Object.prototype || prototype === null) {
      for (const [key, field] of Object.entries(value)) assertJson(what, field, `${path}.${key}`);
      return;
    }
  }
  const kind = typeof value === "object" ? value.constructor.name : typeof value;
  throw refuse(
    `${what} goes to other processes and must be JSON; ${path.slice(1) || "it"} is a ${kind}. Messages are written { role: "user", content: "…" }`,
  );
}

function refuse(message: string): SurvivalError {
  return new SurvivalError({ code: "invalid-option", message: `expectSurvives: ${message}.` });
}
