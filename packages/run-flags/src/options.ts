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

const ALLOWED = [
  "rules",
  "baseline",
  "store",
  "langsmith",
  "severity",
  "sampleGood",
  "price",
  "routes",
  "onError",
  "mode",
  "name",
];

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  if (!isRecord(options)) return refuse("options", options, "an object");
  const unknown = Object.keys(options).find((key) => !ALLOWED.includes(key));
  if (unknown !== undefined) refuse(unknown, options[unknown], `one of ${ALLOWED.join(", ")}`);
  const { rules, baseline, store, langsmith, severity, sampleGood, routes } = options;
  const { price, onError, name } = options;
  if (rules !== undefined) assertRules(rules);
  if (baseline !== undefined && baseline !== false) assertBaseline(baseline);
  if (store !== undefined && !hasMethods(store, ["putRecord", "getRecord", "listRecords"])) {
    refuse("store", store, "a RecordStore, such as evenkeelPostgres(pool)");
  }
  if (langsmith !== undefined) assertLangSmith(langsmith);
  if (severity !== undefined && !isSeverity(severity)) {
    refuse("severity", severity, SEVERITIES.join(", "));
  }
  if (sampleGood !== undefined && !isShare(sampleGood)) {
    refuse("sampleGood", sampleGood, "a share from 0 to 1");
  }
  if (routes !== undefined) assertRoutes(routes);
  for (const [option, value] of Object.entries({ onError, price })) {
    if (value !== undefined && typeof value !== "function") refuse(option, value, "a function");
  }
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    refuse("name", name, "a non-empty string");
  }
}

function assertRules(rules: unknown): void {
  if (!isRecord(rules)) return refuse("rules", rules, "{ add?, without?, limits? }");
  const { add = [], without = [], limits = {}, ...others } = rules;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) refuse(`rules.${unknown}`, others[unknown], "add, without and limits");
  if (!Array.isArray(add) || !add.every(isRule)) {
    refuse("rules.add", add, "a list of rules made by defineFlagRule");
  }
  if (!Array.isArray(without) || !without.every((rule) => typeof rule === "string")) {
    refuse("rules.without", without, "a list of names of rules");
  }
  if (!isRecord(limits)) return refuse("rules.limits", limits, "an object of numbers");
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
  if (!isRecord(baseline)) return refuse("baseline", baseline, "{ lastRuns?, minRuns? } or false");
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
  if (!isRecord(langsmith) || !hasMethods(langsmith["client"], ["createFeedback", "readProject"])) {
    return refuse("langsmith", langsmith, "{ client, feedback?, queue? } with langsmith's Client");
  }
  const { queue = {} } = langsmith;
  if (queue === false) return;
  if (!isRecord(queue))
    return refuse("langsmith.queue", queue, "{ name?, from?, rubric? } or false");
  const { from = 0 } = queue;
  if (!isShare(from)) refuse("langsmith.queue.from", from, "a score from 0 to 1");
}

function assertRoutes(routes: unknown): void {
  if (!Array.isArray(routes)) return refuse("routes", routes, "a list of { from?, classes?, to }");
  for (const route of routes as unknown[]) {
    if (!isRecord(route)) return refuse("routes", route, "{ from?, classes?, to }");
    const { from, to } = route;
    if (from !== undefined && !isSeverity(from)) refuse("routes.from", from, SEVERITIES.join(", "));
    const webhook = isRecord(to) ? to["webhook"] : undefined;
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
  throw new RunFlagsError({
    code: "invalid-options",
    middleware: "runFlagsMiddleware",
    message: `runFlagsMiddleware: option "${option}": ${describe(came)} came; allowed is ${allowed}.`,
    details: { option },
  });
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => typeof value[name] === "function");
}

function isSeverity(value: unknown): boolean {
  return typeof value === "string" && (SEVERITIES as readonly string[]).includes(value);
}

function isShare(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
