import { optionInput } from "@evenkeel/core";

import { LOOP_KINDS } from "./detectors/finding.ts";
import { LoopDetectionError } from "./errors.ts";

const rung: optionInput.OptionCheck = [
  "a whole number of at least 2, or false",
  (value) => value === false || isWhole(value, 2),
];
const aFunction: optionInput.OptionCheck = ["a function", (value) => typeof value === "function"];

const CHECKS: Readonly<Record<string, optionInput.OptionCheck>> = {
  steerAfter: rung,
  blockAfter: rung,
  stopAfter: rung,
  identity: ["an object of argument names, or of functions of the arguments, by tool", isIdentity],
  normalizeResult: aFunction,
  isProgress: aFunction,
  exempt: ["a list of tool names", isNames],
  poll: ["{ tools?: a list of tool names, patience?: a whole number of at least 1 }", isPoll],
  detectors: [`an object of true or false by ${LOOP_KINDS.join(", ")}`, isDetectors],
  window: ["a whole number from 1 to 30", (value) => isWhole(value, 1) && Number(value) <= 30],
  exitBehavior: [
    '"final-answer", "interrupt" or "error"',
    (value) => value === "final-answer" || value === "interrupt" || value === "error",
  ],
  message: aFunction,
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
};

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  optionInput.assertOptionTable(options, CHECKS, refuse);
}

/** Checks that a run climbs the ladder rung by rung, defaults included. */
export function assertOrder(rungs: Readonly<Record<string, number | false>>): void {
  const set = Object.entries(rungs).filter(([, after]) => after !== false);
  for (const [index, [name, after]] of set.entries()) {
    const [before, lower] = set[index - 1] ?? [];
    if (before === undefined || Number(lower) <= Number(after)) continue;
    refuse(name, after, `at least ${before}, which is ${String(lower)}, or false`);
  }
}

function isIdentity(value: unknown): boolean {
  return (
    optionInput.isRecord(value) &&
    Object.values(value).every((key) => typeof key === "function" || isNames(key))
  );
}

function isPoll(value: unknown): boolean {
  if (!optionInput.isRecord(value)) return false;
  return Object.entries(value).every(([key, item]) => {
    if (item === undefined) return key === "tools" || key === "patience";
    return key === "tools" ? isNames(item) : key === "patience" && isWhole(item, 1);
  });
}

function isDetectors(value: unknown): boolean {
  const kinds: readonly string[] = LOOP_KINDS;
  return (
    optionInput.isRecord(value) &&
    Object.entries(value).every(
      ([kind, on]) => kinds.includes(kind) && (on === undefined || typeof on === "boolean"),
    )
  );
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function isWhole(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= least;
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new LoopDetectionError(
    optionInput.refusal("loopDetectionMiddleware", option, came, allowed),
  );
}
