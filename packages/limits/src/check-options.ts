import { optionInput } from "@evenkeel/core";

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
    throw new LimitsError(optionInput.refusal(middleware, option, came, allowed));
  };
  return {
    refuse,
    record(option, came, keys) {
      if (!optionInput.isRecord(came)) return refuse(option, came, "an object");
      const unknown =
        keys === undefined ? undefined : Object.keys(came).find((key) => !keys.includes(key));
      if (unknown !== undefined) {
        const named = option === "options" ? unknown : `${option}.${unknown}`;
        refuse(named, came[unknown], `one of ${keys?.join(", ")}`);
      }
      return came;
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
      const [allowed, holds] = optionInput.NAME_OPTION;
      if (came !== undefined && !holds(came)) refuse("name", came, allowed);
    },
  };
}
