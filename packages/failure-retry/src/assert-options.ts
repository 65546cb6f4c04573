import { FAILURE_CLASSES, optionInput } from "@evenkeel/core";

import { FailureRetryError } from "./errors.ts";

const isFunction = (value: unknown): boolean => typeof value === "function";
const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.every((name) => typeof name === "string");
const oneOf = (...allowed: readonly string[]): optionInput.OptionCheck => [
  allowed.map((value) => `"${value}"`).join(", "),
  (value) => typeof value === "string" && allowed.includes(value),
];
const whole = (from: number): optionInput.OptionCheck => [
  `a whole number from ${from}`,
  (value) => Number.isInteger(value) && Number(value) >= from,
];
const milliseconds: optionInput.OptionCheck = [
  "milliseconds from 0",
  (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
];

const CHECKS: Readonly<Record<string, optionInput.OptionCheck>> = {
  maxAttempts: whole(1),
  retryOn: [
    `a function, or a list of ${Object.keys(FAILURE_CLASSES).join(", ")}`,
    (value) =>
      isFunction(value) ||
      (isNames(value) && (value as string[]).every((name) => Object.hasOwn(FAILURE_CLASSES, name))),
  ],
  restart: oneOf("start", "last-decision", "resume"),
  verify: ["a function or a Standard Schema", (value) => isFunction(value) || isSchema(value)],
  holdFinal: ["true or false", (value) => typeof value === "boolean"],
  context: ["false or { maxResultChars?, maxTokens? }, whole numbers from 0", isContext],
  render: ["a function", isFunction],
  hookTimeoutMs: milliseconds,
  initialInterval: milliseconds,
  backoffFactor: [
    "a number from 1",
    (value) => typeof value === "number" && Number.isFinite(value) && value >= 1,
  ],
  maxInterval: milliseconds,
  jitter: ["true or false", (value) => typeof value === "boolean"],
  maxCallTries: whole(1),
  repeatableTools: ["a list of tool names", isNames],
  effectTools: ["a list of tool names", isNames],
  maxResumes: whole(1),
  maxRepairs: whole(0),
  exitBehavior: oneOf("error", "end", "final-answer", "interrupt"),
  messagesKey: ["a non-empty string", (value) => typeof value === "string" && value !== ""],
  random: ["a function", isFunction],
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
};

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  optionInput.assertOptionTable(options, CHECKS, refuse);
}

function isContext(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([key, limit]) =>
      (key === "maxResultChars" || key === "maxTokens") &&
      (limit === undefined || whole(0)[1](limit)),
  );
}

function isSchema(value: unknown): boolean {
  const schema = (value as { "~standard"?: { validate?: unknown } } | null)?.["~standard"];
  return isFunction(schema?.validate);
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new FailureRetryError(optionInput.refusal("failureRetryMiddleware", option, came, allowed));
}
