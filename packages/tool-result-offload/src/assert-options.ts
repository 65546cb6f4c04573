import { optionInput } from "@evenkeel/core";

import { OffloadError } from "./errors.ts";
import type { ToolResultOffloadOptions } from "./options.ts";
import { resolveReadingLimits } from "./reading/limits.ts";
import { validateLimits } from "./results/quotas.ts";
import { validateThresholds } from "./threshold/thresholds.ts";

const LONGEST_TIMER_MS = 2_147_483_647;
const MIN_PREVIEW_TOKENS = 20;
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const figure: optionInput.OptionCheck = ["a finite number of at least 1", isFigure];

const CHECKS: Readonly<Record<string, optionInput.OptionCheck>> = {
  store: [
    "an Evenkeel store, such as evenkeelPostgres(pool); of a LangGraph store, baseStoreResults(store)",
    isResultStore,
  ],
  maxTokens: figure,
  maxBytes: figure,
  storeTimeoutMs: [`a number of milliseconds from 1 to ${LONGEST_TIMER_MS}`, isTimeout],
  tokenCounter: ["a function that counts, or { name, approximate, count }", isCounter],
  perTool: ["an object of { maxTokens?, maxBytes? } or false, by tool name", isPerTool],
  preview: [`{ maxTokens? }, at least ${MIN_PREVIEW_TOKENS}`, isPreview],
  ttlMs: ["a number of milliseconds, or null", (value) => value === null || isNumber(value)],
  maxThreadBytes: figure,
  maxTotalBytes: figure,
  tools: ["false, or { read?, search?, query?, limits? } with tool names of their own", isTools],
  preserveErrors: ["true or false", (value) => typeof value === "boolean"],
  refArguments: ["an object of lists of argument names, by tool name", isReferences],
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
};

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOffloadOptions(options: ToolResultOffloadOptions): void {
  optionInput.assertOptionTable(options, CHECKS, refuse);
  const { perTool = {}, tools, ttlMs, maxThreadBytes, maxTotalBytes } = options;
  for (const [tool, thresholds] of Object.entries(perTool)) {
    if (thresholds !== false) validateThresholds(thresholds, `perTool.${tool}`);
  }
  validateLimits({ ttlMs, maxThreadBytes, maxTotalBytes });
  if (tools !== undefined && tools !== false) resolveReadingLimits(tools.limits);
}

function isPerTool(value: unknown): boolean {
  const isThresholds = (entry: unknown): boolean =>
    hasOnly(entry, ["maxTokens", "maxBytes"]) && Object.values(entry).every(isFigureOrNothing);
  return (
    optionInput.isRecord(value) &&
    Object.values(value).every((entry) => entry === false || isThresholds(entry))
  );
}

function isPreview(value: unknown): boolean {
  if (!hasOnly(value, ["maxTokens"])) return false;
  const { maxTokens } = value;
  return maxTokens === undefined || (isNumber(maxTokens) && maxTokens >= MIN_PREVIEW_TOKENS);
}

function isTools(value: unknown): boolean {
  if (value === false) return true;
  if (!hasOnly(value, ["read", "search", "query", "limits"])) return false;
  const { limits, ...others } = value;
  const names = Object.values(others).filter((name) => name !== undefined);
  if (limits !== undefined && !optionInput.isRecord(limits)) return false;
  if (!names.every((name) => typeof name === "string" && TOOL_NAME.test(name))) return false;
  return new Set(names).size === names.length;
}

function isReferences(value: unknown): boolean {
  const isNames = (names: unknown): boolean =>
    Array.isArray(names) && names.every((name) => typeof name === "string");
  return optionInput.isRecord(value) && Object.values(value).every(isNames);
}

function isCounter(value: unknown): boolean {
  if (typeof value === "function") return true;
  return (
    optionInput.isRecord(value) && typeof value["name"] === "string" && isFunction(value["count"])
  );
}

function isResultStore(value: unknown): boolean {
  return (
    optionInput.isRecord(value) &&
    ["writeResult", "linkResult", "readResult"].every((key) => isFunction(value[key]))
  );
}

function hasOnly(value: unknown, keys: readonly string[]): value is Record<string, unknown> {
  return optionInput.isRecord(value) && Object.keys(value).every((key) => keys.includes(key));
}

function isFigureOrNothing(value: unknown): boolean {
  return value === undefined || isFigure(value);
}

function isFigure(value: unknown): boolean {
  return isNumber(value) && value >= 1;
}

function isTimeout(value: unknown): boolean {
  return isNumber(value) && value >= 1 && value <= LONGEST_TIMER_MS;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new OffloadError(optionInput.refusal("toolResultOffloadMiddleware", option, came, allowed));
}
