import type { EvenkeelErrorFields } from "./errors.ts";
import { isMode } from "./mode.ts";

/** What an option may be, in words, and how it is told. */
export type OptionCheck = readonly [allowed: string, holds: (value: unknown) => boolean];

/** Throws a package's own coded error for an option. */
export type Refuse = (option: string, came: unknown, allowed: string) => never;

/** The option `mode` of every middleware. */
export const MODE_OPTION: OptionCheck = ['"enforce", "observe" or "off"', isMode];

/** The option `name` of every middleware. */
export const NAME_OPTION: OptionCheck = [
  "a non-empty string",
  (value) => typeof value === "string" && value !== "",
];

/** Checks options against a table at construction; one that is not in it is refused as well. */
export function assertOptionTable(
  options: unknown,
  checks: Readonly<Record<string, OptionCheck>>,
  refuse: Refuse,
): void {
  if (!isRecord(options)) return refuse("options", options, "an object");
  for (const [option, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, option) ? checks[option] : undefined;
    if (check === undefined) {
      return refuse(option, value, `one of ${Object.keys(checks).join(", ")}`);
    }
    const [allowed, holds] = check;
    if (value !== undefined && !holds(value)) refuse(option, value, allowed);
  }
}

/** The fields of an `invalid-options` error: which option, what came, what is allowed. */
export function refusal(
  middleware: string,
  option: string,
  came: unknown,
  allowed: string,
): EvenkeelErrorFields<"invalid-options"> {
  return {
    code: "invalid-options",
    middleware,
    message: `${middleware}: option "${option}": ${describe(came)} came; allowed is ${allowed}.`,
    details: { option, allowed },
  };
}

/** True for an object written with braces, and for a class instance; false for a list and null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What came, in words: never the value of something that may hold a secret. */
function describe(value: unknown): string {
  if (typeof value === "string") return value.length > 60 ? "a long text" : JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (!isRecord(value)) return `a ${typeof value}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? "an empty object" : `an object with ${keys.slice(0, 5).join(", ")}`;
}
