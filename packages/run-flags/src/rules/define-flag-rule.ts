import { EvenkeelError } from "@evenkeel/core";

import type { FlagRule } from "./flag-rule.ts";

const namePattern = /^[a-z][a-z0-9-]{1,47}$/;

/** True for a name that can stand in a tag and in a filter. */
export function isRuleName(name: unknown): name is string {
  return typeof name === "string" && namePattern.test(name);
}

/**
 * Checks a rule of your own and hands it back: it is judged beside the built-in ones and reaches
 * tags, metadata and feedback by its name.
 *
 * @example
 * const refundWithoutOrder = defineFlagRule({
 *   name: "refund-without-order",
 *   failureClass: "policy",
 *   judge: ({ tools }) =>
 *     tools["refund"] && !tools["get_order"]
 *       ? { strength: 1, severity: "high", evidence: "Refunded without reading an order.", step: null }
 *       : undefined,
 * });
 */
export function defineFlagRule(rule: FlagRule): FlagRule {
  if (!isRuleName(rule.name)) {
    throw new EvenkeelError({
      code: "invalid-flag-rule",
      message: `A flag rule's name came as ${JSON.stringify(rule.name)}; it must be 2 to 48 lower-case letters, digits and hyphens, beginning with a letter, because it becomes a tag.`,
    });
  }
  if (typeof rule.judge !== "function") {
    throw new EvenkeelError({
      code: "invalid-flag-rule",
      message: `The flag rule "${rule.name}" has no judge function; it came as ${typeof rule.judge}.`,
    });
  }
  return rule;
}
