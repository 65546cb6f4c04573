import { optionInput } from "@evenkeel/core";
import type { HookContext, MiddlewareMode, RecordStore, Severity } from "@evenkeel/core";

import type { BaselineOptions } from "./baseline.ts";
import { RunFlagsError } from "./errors.ts";
import type { Price } from "./gather/call-price.ts";
import type { LangSmithReviewOptions } from "./review/langsmith-review.ts";
import type { FlagRoute } from "./review/routes.ts";
import { SEVERITIES } from "./review/routes.ts";
import { isRuleName } from "./rules/define-flag-rule.ts";
import type { FlagLimits, FlagRule } from "./rules/flag-rule.ts";

/** Which rules judge a run. */
export interface RuleOptions {
  /** Rules of your own, beside the built-in ones. @default none */
  add?: readonly FlagRule[];
  /** Built-in rules to leave out, by name. @default none */
  without?: readonly string[];
  /** Limits that hold from the first run on. @default 5 million tokens, 10 US dollars, an hour, 200 calls */
  limits?: Partial<FlagLimits>;
}

/** Options of {@link runFlagsMiddleware}. */
export interface RunFlagsMiddlewareOptions {
  /** @default every built-in rule */
  rules?: RuleOptions;
  /** How much history a run is compared with; false compares with none. @default the newest 50 good runs, at least 5 */
  baseline?: BaselineOptions | false;
  /** Keeps the records; `evenkeelPostgres(pool)` is one. @default none: runs are judged, and compared inside this process */
  store?: RecordStore;
  /** Review in LangSmith beyond tags and metadata, which need no client. @default none */
  langsmith?: LangSmithReviewOptions;
  /** From which severity on a single finding flags a run. @default "high" */
  severity?: Severity;
  /** What a call of a model costs, in US dollars; without it no run has a cost. @default none */
  price?: Price;
  /** Share of the completed, unflagged runs that is queued for review as well, 0 to 1. @default 0 */
  sampleGood?: number;
  /** Where flagged runs are sent besides. @default none */
  routes?: readonly FlagRoute[];
  /** Hears what failed outside of a run: a store, LangSmith, a route. @default ignored */
  onError?: (error: unknown) => void;
  /** @default "enforce" */
  mode?: MiddlewareMode;
  /** @default "runFlagsMiddleware" */
  name?: string;
}

/** The options that shape behaviour and are frozen with the execution. */
export interface FlagOptions {
  severity: Severity;
  sampleGood: number;
  without: readonly string[];
  limits: Partial<FlagLimits>;
}

/** What the hooks of this package get as their context. */
export type FlagContext = HookContext<FlagOptions>;

const aFunction: optionInput.OptionCheck = ["a function", (value) => typeof value === "function"];
// Refused by what is in them, each with words of its own.
const anything: optionInput.OptionCheck = ["anything", () => true];

const CHECKS: Readonly<Record<string, optionInput.OptionCheck>> = {
  rules: anything,
  baseline: anything,
  store: [
    "a RecordStore, such as evenkeelPostgres(pool)",
    (value) => hasMethods(value, ["putRecord", "getRecord", "listRecords"]),
  ],
  langsmith: anything,
  severity: [SEVERITIES.join(", "), isSeverity],
  sampleGood: ["a share from 0 to 1", isShare],
  price: aFunction,
  routes: anything,
  onError: aFunction,
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
};

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: RunFlagsMiddlewareOptions): void {
  optionInput.assertOptionTable(options, CHECKS, refuse);
  const { rules, baseline, langsmith, routes } = options;
  if (rules !== undefined) assertRules(rules);
  if (baseline !== undefined && baseline !== false) assertBaseline(baseline);
  if (langsmith !== undefined) assertLangSmith(langsmith);
  if (routes !== undefined) assertRoutes(routes);
}

function assertRules(rules: unknown): void {
  if (!optionInput.isRecord(rules)) return refuse("rules", rules, "{ add?, without?, limits? }");
  const { add = [], without = [], limits = {}, ...others } = rules;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) refuse(`rules.${unknown}`, others[unknown], "add, without and limits");
  if (!Array.isArray(add) || !add.every(isRule)) {
    refuse("rules.add", add, "a list of rules made by defineFlagRule");
  }
  if (!Array.isArray(without) || !without.every((rule) => typeof rule === "string")) {
    refuse("rules.without", without, "a list of names of rules");
  }
  if (!optionInput.isRecord(limits)) return refuse("rules.limits", limits, "an object of numbers");
  for (const [limit, value] of Object.entries(limits)) {
    if (!["tokens", "costUsd", "latencyMs", "toolCalls"].includes(limit)) {
      refuse(`rules.limits.${limit}`, value, "tokens, costUsd, latencyMs and toolCalls");
    }
    if (!(typeof value === "number" && value > 0)) {
      refuse(`rules.limits.${limit}`, value, "a number above 0");
    }
  }
}

function assertBaseline(baseline: unknown): void {
  if (!optionInput.isRecord(baseline))
    return refuse("baseline", baseline, "{ lastRuns?, minRuns? } or false");
  for (const [key, value] of Object.entries(baseline)) {
    if (key !== "lastRuns" && key !== "minRuns") {
      refuse(`baseline.${key}`, value, "baseline.lastRuns and baseline.minRuns");
    }
    if (!Number.isInteger(value) || Number(value) < 1) {
      refuse(`baseline.${key}`, value, "a whole number from 1 up");
    }
  }
}

function assertLangSmith(langsmith: unknown): void {
  if (
    !optionInput.isRecord(langsmith) ||
    !hasMethods(langsmith["client"], ["createFeedback", "readProject"])
  ) {
    return refuse("langsmith", langsmith, "{ client, feedback?, queue? } with langsmith's Client");
  }
  const { queue = {} } = langsmith;
  if (queue === false) return;
  if (!optionInput.isRecord(queue))
    return refuse("langsmith.queue", queue, "{ name?, from?, rubric? } or false");
  const { from = 0 } = queue;
  if (!isShare(from)) refuse("langsmith.queue.from", from, "a score from 0 to 1");
}

function assertRoutes(routes: unknown): void {
  if (!Array.isArray(routes)) return refuse("routes", routes, "a list of { from?, classes?, to }");
  for (const route of routes as unknown[]) {
    if (!optionInput.isRecord(route)) return refuse("routes", route, "{ from?, classes?, to }");
    const { from, to } = route;
    if (from !== undefined && !isSeverity(from)) refuse("routes.from", from, SEVERITIES.join(", "));
    const webhook = optionInput.isRecord(to) ? to["webhook"] : undefined;
    const known = to === "console" || typeof to === "function";
    if (!known && !(typeof webhook === "string" && URL.canParse(webhook))) {
      refuse("routes.to", to, '"console", { webhook: URL } or a function');
    }
  }
}

function isRule(rule: unknown): boolean {
  return hasMethods(rule, ["judge"]) && isRuleName((rule as { name?: unknown }).name);
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new RunFlagsError(optionInput.refusal("runFlagsMiddleware", option, came, allowed));
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return optionInput.isRecord(value) && names.every((name) => typeof value[name] === "function");
}

function isSeverity(value: unknown): boolean {
  return typeof value === "string" && (SEVERITIES as readonly string[]).includes(value);
}

function isShare(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}
