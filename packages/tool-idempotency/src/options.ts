import type {
  EffectLedger,
  ExecutionLease,
  HookContext,
  MiddlewareMode,
  PrivateState,
} from "@evenkeel/core";

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
  /** The middleware's name, for errors and answers. */
  readonly name: string;
  readonly store: EffectLedger & ExecutionLease;
  readonly tools: Readonly<Record<string, ToolEffectOptions>>;
}

/** What hooks are given. */
export type IdempotencyContext = HookContext<IdempotencySettings, IdempotencyLive> & {
  readonly state: PrivateState;
};

/** Options as they are frozen and as they live. */
export function resolveOptions(options: ToolIdempotencyOptions): {
  settings: IdempotencySettings;
  live: IdempotencyLive;
} {
  const { name = "toolIdempotencyMiddleware", store, tools = {} } = options;
  const declared = Object.fromEntries(
    Object.entries(tools).map(([tool, one]) => [
      tool,
      typeof one === "string" ? { effect: one } : one,
    ]),
  );
  const each = <Value>(of: (one: ToolEffectOptions) => Value): Record<string, Value> =>
    Object.fromEntries(Object.entries(declared).map(([tool, one]) => [tool, of(one)]));
  return {
    settings: {
      effects: each(({ effect }) => effect),
      within: each(({ within = "scope" }) => within),
      default: options.default ?? "once",
      onInFlight: options.onInFlight ?? "wait",
      onUnknown: options.onUnknown ?? "interrupt",
      onReplan: options.onReplan ?? "interrupt",
      fork: options.fork ?? "same",
      leaseMs: options.leaseMs ?? 15_000,
      messagesKey: options.messagesKey ?? "messages",
    },
    live: { name, store, tools: declared },
  };
}
