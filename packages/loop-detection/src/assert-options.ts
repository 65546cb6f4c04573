import { LOOP_KINDS } from "./detectors/finding.ts";
import { LoopDetectionError } from "./errors.ts";

/** What an option may be, in words, and how it is told. */
type Check = readonly [allowed: string, holds: (value: unknown) => boolean];

const rung: Check = [
  "a whole number of at least 2, or false",
  (value) => value === false || isWhole(value, 2),
];
const aFunction: Check = ["a function", (value) => typeof value === "function"];

const CHECKS: Readonly<Record<string, Check>> = {
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
  mode: [
    '"enforce", "observe" or "off"',
    (value) => value === "enforce" || value === "observe" || value === "off",
  ],
  name: ["a non-empty string", (value) => typeof value === "string" && value !== ""],
};

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  if (!isRecord(options)) refuse("options", options, "an object");
  for (const [option, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, option) ? CHECKS[option] : undefined;
    if (check === undefined) refuse(option, value, `one of ${Object.keys(CHECKS).join(", ")}`);
    if (value !== undefined && !check[1](value)) refuse(option, value, check[0]);
  }
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
    isRecord(value) &&
    Object.values(value).every((key) => typeof key === "function" || isNames(key))
  );
}

function isPoll(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(([key, item]) => {
    if (item === undefined) return key === "tools" || key === "patience";
    return key === "tools" ? isNames(item) : key === "patience" && isWhole(item, 1);
  });
}

function isDetectors(value: unknown): boolean {
  const kinds: readonly string[] = LOOP_KINDS;
  return (
    isRecord(value) &&
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new LoopDetectionError({
    code: "invalid-options",
    middleware: "loopDetectionMiddleware",
    message: `loopDetectionMiddleware: option "${option}": ${describe(came)} came; allowed is ${allowed}.`,
    details: { option, allowed },
  });
}

/** What came, in words. */
function describe(value: unknown): string {
  if (typeof value === "string") return value.length > 60 ? "a long text" : JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  if (Array.isArray(value)) return "a list";
  if (!isRecord(value)) return `a ${typeof value}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? "an empty object" : `an object with ${keys.slice(0, 5).join(", ")}`;
}
