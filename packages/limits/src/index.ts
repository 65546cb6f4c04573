/** What a run may spend, how often it may try again, and when a broken tool is left alone. */
export { budgetMiddleware } from "./budget.ts";
export type { BudgetPause } from "./budget/pause.ts";
export type { Limits, ToolLimits } from "./budget/limits.ts";
export type {
  BudgetMiddlewareOptions,
  ExitBehavior,
  RetryBudgetOptions,
} from "./budget/options.ts";
export type { Price, PricedCall } from "./budget/price.ts";
export { circuitBreakerMiddleware } from "./circuit-breaker.ts";
export type { CircuitBreakerMiddlewareOptions } from "./breaker/options.ts";
export { LimitsError } from "./errors.ts";
export type { LimitsErrorCode } from "./errors.ts";
