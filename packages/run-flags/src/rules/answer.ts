import type { RunReport } from "../run-report.ts";
import type { FlagRule, RuleVerdict } from "./flag-rule.ts";

/**
 * What a final answer sounds like says something where one request was answered. A conversation of
 * several user messages ends in courtesies: there these signs were no better than chance.
 */
function inAnswer(
  record: RunReport,
  sign: "asks" | "refuses" | "promises",
  evidence: string,
): RuleVerdict | undefined {
  if (!record.answer[sign] || record.requests > 1) return undefined;
  return { strength: 1, severity: "medium", evidence, step: null };
}

/** The final answer asks the user for something instead of answering. */
export const answerAsks: FlagRule = {
  name: "answer-asks-back",
  failureClass: "planning",
  judge: (record) =>
    inAnswer(record, "asks", "The final answer asks the user for something instead of answering."),
};

/** The final answer says that something was not found or cannot be done. */
export const answerRefuses: FlagRule = {
  name: "answer-refuses",
  failureClass: "integration-gap",
  judge: (record) =>
    inAnswer(
      record,
      "refuses",
      "The final answer says that something was not found or cannot be done.",
    ),
};

/** The final answer announces work that was not done. */
export const answerPromises: FlagRule = {
  name: "answer-only-announces",
  failureClass: "planning",
  judge: (record) =>
    inAnswer(
      record,
      "promises",
      "The final answer announces what will be done next, and nothing follows.",
    ),
};

/** The final answer writes out a tool call that was never made. */
export const callInText: FlagRule = {
  name: "call-written-as-text",
  failureClass: "contract-violation",
  judge: (record) =>
    record.answer.callsInText
      ? {
          strength: 1,
          severity: "medium",
          evidence: "The final answer writes out a tool call as text; it was never made.",
          step: null,
        }
      : undefined,
};

/** The run completed with a blank reply. */
export const answerEmpty: FlagRule = {
  name: "answer-empty",
  failureClass: "contract-violation",
  judge: ({ answer, outcome }) =>
    outcome === "completed" && answer.given && answer.characters === 0
      ? { strength: 1, severity: "medium", evidence: "The final answer is blank.", step: null }
      : undefined,
};

/** The final answer stops in the middle. */
export const answerBreaksOff: FlagRule = {
  name: "answer-breaks-off",
  failureClass: "contract-violation",
  judge: ({ answer }) =>
    answer.breaksOff
      ? {
          strength: 1,
          severity: "low",
          evidence: "The final answer stops in the middle of a sentence, code block or tag.",
          step: null,
        }
      : undefined,
};

/** The provider ended the final answer, not the model. */
export const answerCutShort: FlagRule = {
  name: "answer-cut-short",
  failureClass: "contract-violation",
  judge: ({ answer: { cutShort } }) =>
    cutShort === null
      ? undefined
      : {
          strength: 1,
          severity: "medium",
          evidence:
            cutShort === "length"
              ? "The provider cut the final answer at the limit on output tokens."
              : "The provider's content filter ended the final answer.",
          step: null,
        },
};
