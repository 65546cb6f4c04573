import { LimitsError } from "./errors.ts";

/** What a number must be. */
interface NumberRule {
  readonly from: number;
  /** @default no upper bound */
  readonly to?: number;
  /** @default false */
  readonly whole?: boolean;
}

/** Checks the options of one middleware; each refusal names what came and what is allowed. */
export interface OptionChecks {
  readonly refuse: (option: string, came: unknown, allowed: string) => never;
  /** A plain object that has no other keys than these; with none named, any. */
  readonly record: (
    option: string,
    came: unknown,
    keys?: readonly string[],
  ) => Readonly<Record<string, unknown>>;
  /** A number within bounds, where something came. */
  readonly number: (option: string, came: unknown, rule: NumberRule) => void;
  readonly oneOf: (option: string, came: unknown, allowed: readonly string[]) => void;
  readonly function: (option: string, came: unknown) => void;
  readonly name: (came: unknown) => void;
}

/** Makes the checks of one middleware. */
export function optionChecks(middleware: string): OptionChecks {
  const refuse = (option: string, came: unknown, allowed: string): never => {
    throw new LimitsError({
      code: "invalid-options",
      middleware,
      message: `${middleware}: option "${option}": ${describe(came)} came; allowed is ${allowed}.`,
      details: { option },
    });
  };
  return {
    refuse,
    record(option, came, keys) {
      if (typeof came !== "object" || came === null || Array.isArray(came)) {
        return refuse(option, came, "an object");
      }
      const unknown =
        keys === undefined ? undefined : Object.keys(came).find((key) => !keys.includes(key));
      if (unknown !== undefined) {
        const named = option === "options" ? unknown : `${option}.${unknown}`;
        refuse(named, Reflect.get(came, unknown), `one of ${keys?.join(", ")}`);
      }
      return came as Readonly<Record<string, unknown>>;
    },
    number(option, came, { from, to = Number.MAX_VALUE, whole = false }) {
      if (came === undefined) return;
      const valid = typeof came === "number" && came >= from && came <= to;
      if (valid && (!whole || Number.isSafeInteger(came))) return;
      const upTo = to === Number.MAX_VALUE ? "" : ` to ${to}`;
      refuse(option, came, `a ${whole ? "whole " : ""}number from ${from}${upTo}`);
    },
    oneOf(option, came, allowed) {
      if (came === undefined || allowed.some((one) => one === came)) return;
      refuse(option, came, allowed.map((one) => JSON.stringify(one)).join(", "));
    },
    function(option, came) {
      if (came !== undefined && typeof came !== "function") refuse(option, came, "a function");
    },
    name(came) {
      if (came === undefined || (typeof came === "string" && came !== "")) return;
      refuse("name", came, "a non-empty string");
    },
  };
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}
