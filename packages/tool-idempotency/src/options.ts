import type {
  EffectLedger,
  ExecutionLease,
  HookContext,
  MiddlewareMode,
  PrivateState,
} from "@evenkeel/core";

import { IdempotencyError } from "./errors.ts";
import type { DeclaredEffect, Rules } from "./protocol.ts";

/** The arguments of a call, as the model gave them. */
export type ToolArguments = Readonly<Record<string, unknown>>;

/** What became of an effect nobody settled, as whoever can look it up says. */
export type Reconciled =
  /** It happened; the result is what the model is answered with. */
  | { readonly status: "done"; readonly result: unknown }
  /** It did not happen, and may. */
  | { readonly status: "not-done" }
  /** It cannot be told. */
  | { readonly status: "unknown" };

/** One effect, for whoever looks it up or takes it back. */
export interface EffectSubject {
  /** What `idempotencyKey()` gave the tool. */
  readonly idempotencyKey: string;
  readonly args: ToolArguments;
  /** What the tool answered, as text or JSON; undefined where that was never recorded. */
  readonly result: unknown;
}

/** How the effect of one tool is kept from happening twice. */
export interface ToolEffectOptions {
  readonly effect: DeclaredEffect;
  /** Names the effect by what it is about, such as the order that is refunded. @default by the call */
  readonly key?: (args: ToolArguments) => string;
  /** How far a `key` reaches: every execution of the scope, or each for itself. @default "scope" */
  readonly within?: "scope" | "execution";
  /** Finds out what became of an effect nobody settled. @default it is decided by `onUnknown` */
  readonly reconcile?: (
    idempotencyKey: string,
    subject: EffectSubject,
  ) => Promise<Reconciled> | Reconciled;
  /** Takes the effect back: run by `revertExecution()`, once. @default it cannot be taken back */
  readonly revert?: (subject: EffectSubject) => unknown;
}

/** What {@link toolIdempotencyMiddleware} can be told. */
export interface ToolIdempotencyOptions {
  /** Where effects are recorded and executions are held: `evenkeelPostgres(pool)`, or `memoryStore()` for tests. */
  store: EffectLedger & ExecutionLease;
  /** How each tool behaves when it runs twice, by name. @default {} */
  tools?: Readonly<Record<string, DeclaredEffect | ToolEffectOptions>>;
  /** How a tool that is not declared behaves. @default "once" */
  default?: DeclaredEffect;
  /** Whether a call waits for another worker that is at the same effect, or fails. @default "wait" */
  onInFlight?: "wait" | "refuse";
  /** Whether a person decides about an effect nobody can tell about, or the model is told. @default "interrupt" */
  onUnknown?: "interrupt" | "message";
  /** What a changed call of a later attempt does where an effect was done that it may stand for. @default "interrupt" */
  onReplan?: "interrupt" | "reuse" | "run";
  /** Whether a fork from an earlier checkpoint shares the effects of its execution, or has its own. @default "same" */
  fork?: "same" | "new";
  /** How long a worker that died keeps others waiting, in milliseconds; renewed each third of it. @default 15000 */
  leaseMs?: number;
  /** The channel of the message list. @default "messages" */
  messagesKey?: string;
  mode?: MiddlewareMode;
  /** @default "toolIdempotencyMiddleware" */
  name?: string;
}

/** The part of the options that is frozen with an execution. */
export interface IdempotencySettings extends Omit<Rules, "reconciles"> {
  readonly effects: Readonly<Record<string, DeclaredEffect>>;
  readonly within: Readonly<Record<string, "scope" | "execution">>;
  readonly default: DeclaredEffect;
  readonly fork: "same" | "new";
  readonly leaseMs: number;
  readonly messagesKey: string;
}

/** The part that comes from the live process. */
export interface IdempotencyLive extends Record<string, unknown> {
  readonly store: EffectLedger & ExecutionLease;
  readonly tools: Readonly<Record<string, ToolEffectOptions>>;
}

/** What hooks are given. */
export type IdempotencyContext = HookContext<IdempotencySettings, IdempotencyLive> & {
  readonly state: PrivateState;
};

const EFFECTS: readonly DeclaredEffect[] = ["pure", "idempotent", "keyed", "transactional", "once"];

/** Options as they are frozen and as they live; refuses what is not allowed, by name. */
export function checkedOptions(options: ToolIdempotencyOptions): {
  settings: IdempotencySettings;
  live: IdempotencyLive;
} {
  const { store, tools = {}, default: undeclared = "once", leaseMs = 15_000 } = options;
  const { onInFlight = "wait", onUnknown = "interrupt", onReplan = "interrupt" } = options;
  const { fork = "same", messagesKey = "messages" } = options;
  if (typeof store?.claimEffect !== "function" || typeof store.acquireLease !== "function") {
    refuse("store", "must be an EffectLedger and ExecutionLease, such as evenkeelPostgres(pool)");
  }
  among("default", undeclared, EFFECTS);
  among("onInFlight", onInFlight, ["wait", "refuse"]);
  among("onUnknown", onUnknown, ["interrupt", "message"]);
  among("onReplan", onReplan, ["interrupt", "reuse", "run"]);
  among("fork", fork, ["same", "new"]);
  if (!(leaseMs >= 100 && leaseMs <= 3_600_000)) {
    refuse("leaseMs", `takes milliseconds from 100 to 3600000; ${leaseMs} came`);
  }
  const declared = Object.fromEntries(
    Object.entries(tools).map(([tool, one]) => [
      tool,
      checkedTool(tool, typeof one === "string" ? { effect: one } : one, store),
    ]),
  );
  const each = <Value>(of: (one: ToolEffectOptions) => Value): Record<string, Value> =>
    Object.fromEntries(Object.entries(declared).map(([tool, one]) => [tool, of(one)]));
  return {
    settings: {
      effects: each(({ effect }) => effect),
      within: each(({ within = "scope" }) => within),
      default: undeclared,
      onInFlight,
      onUnknown,
      onReplan,
      fork,
      leaseMs,
      messagesKey,
    },
    live: { store, tools: declared },
  };
}

function checkedTool(
  tool: string,
  options: ToolEffectOptions,
  store: EffectLedger,
): ToolEffectOptions {
  const place = `tools.${tool}`;
  if (typeof options !== "object" || options === null) {
    refuse(place, `takes an effect or { effect, key?, … }; ${typeof options} came`);
  }
  among(`${place}.effect`, options.effect, EFFECTS);
  among(`${place}.within`, options.within ?? "scope", ["scope", "execution"]);
  for (const name of ["key", "reconcile", "revert"] as const) {
    const came: unknown = options[name];
    if (came !== undefined && typeof came !== "function") {
      refuse(`${place}.${name}`, `takes a function; ${typeof came} came`);
    }
  }
  if (options.effect === "transactional" && store.settleInTransaction === undefined) {
    throw new IdempotencyError({
      code: "transaction-unsupported",
      message: `toolIdempotencyMiddleware: ${place} is transactional and the store has no transactions. evenkeelPostgres(pool) has; otherwise declare it "keyed" or "once".`,
    });
  }
  return options;
}

function among(option: string, came: unknown, allowed: readonly string[]): void {
  if (typeof came === "string" && allowed.includes(came)) return;
  const shown = typeof came === "string" ? JSON.stringify(came) : typeof came;
  const list = allowed.map((one) => JSON.stringify(one)).join(", ");
  refuse(option, `takes ${list}; ${shown} came`);
}

function refuse(option: string, why: string): never {
  throw new IdempotencyError({
    code: "invalid-options",
    message: `toolIdempotencyMiddleware: "${option}" ${why}.`,
    details: { option },
  });
}
