import type { BreakerStore, FailureClass, HookContext, MiddlewareMode } from "@evenkeel/core";
import { FAILURE_CLASSES } from "@evenkeel/core";

import { optionChecks } from "../check-options.ts";
import type { ScopeOf } from "../scope-of.ts";

/** Options of {@link circuitBreakerMiddleware}. */
export interface CircuitBreakerMiddlewareOptions {
  /** Tools that are guarded, by name; false for none. @default every tool */
  tools?: readonly string[] | false;
  /** Whether models are guarded. @default true */
  models?: boolean;
  /** Calls a window holds, per tool and class of failure, and per model. @default 10 */
  window?: number;
  /** Calls in the window before it can open. @default 5 */
  minimumCalls?: number;
  /** The share of failures above which it opens, between 0 and 1. @default 0.5 */
  threshold?: number;
  /** How long it stays open before one call is let through for trial. @default 30_000 */
  halfOpenAfterMs?: number;
  /** The wait doubles with every trial call that fails, up to this. @default 300_000 */
  maxHalfOpenAfterMs?: number;
  /** Classes of failure that count; throttling and cancellations never do. @default infrastructure, environment-drift, unknown */
  failureClasses?: readonly FailureClass[];
  /** Whose calls share a breaker. @default the run's scope: user and thread */
  scope?: ScopeOf;
  /** Keeps breakers over restarts and shares them between processes; `evenkeelPostgres(pool)` is one. @default this process's memory */
  store?: BreakerStore;
  /** How old what the store says may be. @default 5_000 */
  refreshMs?: number;
  /** How long a call waits for the store; then it goes on by what this process knows. @default 500 */
  storeTimeoutMs?: number;
  /** @default "enforce" */
  mode?: MiddlewareMode;
  /** @default "circuitBreakerMiddleware" */
  name?: string;
}

/** The options that shape behaviour and are frozen with the execution. */
export interface BreakerOptions {
  readonly tools: readonly string[] | false | null;
  readonly models: boolean;
  readonly window: number;
  readonly minimumCalls: number;
  readonly threshold: number;
  readonly halfOpenAfterMs: number;
  readonly maxHalfOpenAfterMs: number;
  readonly failureClasses: readonly FailureClass[];
  readonly refreshMs: number;
  readonly storeTimeoutMs: number;
}

/** What comes from the live process. */
export interface BreakerLive {
  readonly name: string;
  readonly store: BreakerStore | undefined;
  readonly scope: ScopeOf;
}

/** What the hooks of the breaker get as their context. */
export type BreakerContext = HookContext<BreakerOptions, BreakerLive>;

const ALLOWED = [
  "tools",
  "models",
  "window",
  "minimumCalls",
  "threshold",
  "halfOpenAfterMs",
  "maxHalfOpenAfterMs",
  "failureClasses",
  "scope",
  "store",
  "refreshMs",
  "storeTimeoutMs",
  "mode",
  "name",
];

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertBreakerOptions(options: unknown): void {
  const check = optionChecks("circuitBreakerMiddleware");
  const given = check.record("options", options, ALLOWED);
  const { tools, models, window = 10, minimumCalls, threshold, failureClasses, store } = given;
  const named = Array.isArray(tools) && tools.every((tool) => typeof tool === "string");
  if (tools !== undefined && tools !== false && !named) {
    check.refuse("tools", tools, "a list of names, or false");
  }
  if (models !== undefined && typeof models !== "boolean") {
    check.refuse("models", models, "true or false");
  }
  check.number("window", window, { from: 1, to: 1_000, whole: true });
  check.number("minimumCalls", minimumCalls, { from: 1, to: Number(window), whole: true });
  check.number("threshold", threshold, { from: Number.MIN_VALUE, to: 1 - Number.EPSILON });
  const { halfOpenAfterMs = 30_000, maxHalfOpenAfterMs } = given;
  check.number("halfOpenAfterMs", halfOpenAfterMs, { from: 1 });
  check.number("maxHalfOpenAfterMs", maxHalfOpenAfterMs, { from: Number(halfOpenAfterMs) });
  check.number("refreshMs", given["refreshMs"], { from: 0 });
  check.number("storeTimeoutMs", given["storeTimeoutMs"], { from: 1, to: 60_000 });
  const classes = Object.keys(FAILURE_CLASSES);
  const known =
    Array.isArray(failureClasses) && failureClasses.every((one) => classes.includes(one as string));
  if (failureClasses !== undefined && !known) {
    check.refuse("failureClasses", failureClasses, `a list of ${classes.join(", ")}`);
  }
  if (store !== undefined && !isStore(store)) {
    check.refuse("store", store, "a BreakerStore, such as evenkeelPostgres(pool)");
  }
  check.function("scope", given["scope"]);
  check.name(given["name"]);
}

function isStore(store: unknown): boolean {
  const methods = ["listBreakers", "putBreaker", "claimProbe", "releaseProbe"];
  return (
    typeof store === "object" &&
    store !== null &&
    methods.every((method) => typeof Reflect.get(store, method) === "function")
  );
}
