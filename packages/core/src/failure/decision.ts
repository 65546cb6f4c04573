import { read } from "./chain.ts";
import { FAILURE_CLASSES } from "./failure.ts";
import type { FailureClass, Verdict } from "./failure.ts";
import { verdictByText } from "./texts.ts";

/** A verdict and the text the failure is described with. */
export interface Decision {
  verdict: Verdict;
  text: string;
}

/** The verdict on what only looked like a failure. */
export const NO_FAILURE: Verdict = {
  failureClass: "unknown",
  rule: "not-a-failure",
  severity: "info",
  recoverable: false,
  remedy: "Nothing failed here.",
};

/** A failure that no rule knows. */
export function unknownOf(text: string): Decision {
  return { verdict: { failureClass: "unknown", rule: "none" }, text };
}

/** A failure known by its words alone. */
export function decideText(text: string): Decision {
  const verdict = verdictByText(text);
  return verdict === undefined ? unknownOf(text) : { verdict, text };
}

/** The class an error or envelope of ours names itself, in `details.failureClass`. */
export function declaredVerdict(details: unknown): Verdict | undefined {
  const failureClass = read(details, "failureClass");
  return isFailureClass(failureClass) ? { failureClass, rule: "declared" } : undefined;
}

function isFailureClass(name: unknown): name is FailureClass {
  return typeof name === "string" && Object.hasOwn(FAILURE_CLASSES, name);
}
