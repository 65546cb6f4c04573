import { quoteAsData } from "@evenkeel/core";

import { tokensAtMost } from "./count-tokens.ts";
import { cutText } from "./cut-text.ts";
import type { CallRecord, FailureReport } from "./report.ts";

/**
 * The text the next attempt's model calls carry: which attempt this is, what failed and why, the
 * calls in order, what stands, what to change. It says what failed and nothing of what resembles
 * it, so that a valid approach beside the failed one is not given up.
 */
export function renderContext(report: FailureReport): string {
  const { maxTokens } = report.limits;
  for (const budget of shrinking(report)) {
    const text = write(report, budget);
    if (tokensAtMost(text) <= maxTokens) return text;
  }
  return withinTokens(headline(report), maxTokens);
}

/** A text cut to its head and tail until it takes no more tokens than there are. */
export function withinTokens(text: string, maxTokens: number): string {
  let cut = text;
  for (let chars = maxTokens * 3; tokensAtMost(cut) > maxTokens; chars = Math.floor(chars / 2)) {
    cut = cutText(text, chars).slice(0, chars);
  }
  return cut;
}

interface Budget {
  /** Characters of one call's arguments or result. */
  readonly perCall: number;
  /** Calls shown; those in the middle go first. */
  readonly calls: number;
  readonly message: number;
}

function* shrinking({ calls, limits }: FailureReport): Generator<Budget> {
  const { maxResultChars } = limits;
  let perCall = maxResultChars;
  yield { perCall, calls: calls.length, message: 1_000 };
  while (perCall > 40) {
    perCall = Math.floor(perCall / 2);
    yield { perCall, calls: calls.length, message: 500 };
  }
  for (let shown = calls.length; shown > 1; shown = Math.floor(shown / 2)) {
    yield { perCall: Math.min(40, maxResultChars), calls: shown, message: 300 };
  }
  yield { perCall: 0, calls: 1, message: 200 };
  yield { perCall: 0, calls: 0, message: 100 };
}

function write(report: FailureReport, budget: Budget): string {
  const { failure, earlier, standing } = report;
  const message = cutText(report.message, budget.message);
  const data = [
    ...(message === "" ? [] : [`Error: ${message}`]),
    ...(earlier.length === 0 ? [] : ["Earlier attempts:", ...earlier.map((one) => `- ${one}`)]),
    ...sequence(report, budget),
    ...(standing.length === 0
      ? []
      : [
          "Done already, and not undone:",
          ...counted(standing.map((call) => `- ${line(call, budget)}`)),
        ]),
  ];
  return [
    headline(report),
    `What failed: ${REASONS[failure.failureClass]} (${failure.failureClass}, ${failure.rule}).`,
    `What to change: ${CHANGES[failure.failureClass]}`,
    ...(standing.length === 0
      ? []
      : ["What is listed as done has taken effect: build on it, do not do it again."]),
    ...(data.length === 0 ? [] : [quoteAsData(data.join("\n"), "failed attempt")]),
    report.finalAnswer
      ? "There will be no further attempt and no tools: answer the user now from what is known, and say what could not be done."
      : "Only what is listed here failed, and only with these arguments. Other arguments, and approaches that merely look similar, may well work: judge each by itself.",
  ].join("\n");
}

function headline({ attempt, maxAttempts, restart, finalAnswer }: FailureReport): string {
  const which = finalAnswer
    ? `All ${maxAttempts} attempts at this request failed; the last was attempt ${attempt}.`
    : `This is attempt ${attempt + 1} of ${maxAttempts} at the request above; attempt ${attempt} failed.`;
  return `${which} ${PLACES[restart]}`;
}

const PLACES: Readonly<Record<FailureReport["restart"], string>> = {
  start: "What it did is not in the conversation.",
  "last-decision":
    "The conversation goes on from before the decision that failed; what came before it stands.",
  resume: "The conversation goes on with the step that failed.",
};

const REASONS: Readonly<Record<FailureReport["failure"]["failureClass"], string>> = {
  "contract-violation": "what was sent or answered did not have the form that was asked for",
  "environment-drift": "something the run relies on is no longer as it was",
  "model-hallucination": "something was used that does not exist",
  "tool-exhaustion": "a tool could not be used any further",
  "retry-budget-overflow": "the budget for tries is spent",
  planning: "the steps led nowhere, or in a circle",
  "integration-gap": "a tool does not offer what was asked of it",
  policy: "it is not allowed",
  infrastructure: "a service failed or did not answer in time",
  unknown: "the step ended with an error",
};

// The taxonomy's remedies speak to whoever runs the agent; these to the model in it.
const CHANGES: Readonly<Record<FailureReport["failure"]["failureClass"], string>> = {
  "contract-violation": "Read what is asked for and send something that has that form.",
  "environment-drift": "Do without what has changed, or say that it is needed.",
  "model-hallucination": "Use the tools and names that are there.",
  "tool-exhaustion": "Reach the goal another way, or answer without that step.",
  "retry-budget-overflow": "Answer from what is there.",
  planning: "Take another way: what was repeated led nowhere.",
  "integration-gap": "Ask for what the tool does offer.",
  policy: "Do not ask for it again; say that it is not allowed.",
  infrastructure: "The same step may work now; if it does not, go on without it.",
  unknown: "Read the error, and take a step that does not meet it.",
};

function sequence({ calls, attempt }: FailureReport, budget: Budget): string[] {
  if (calls.length === 0 || budget.calls === 0) return [];
  const all = counted(calls.map((call) => line(call, budget))).map(
    (text, index) => `${index + 1}. ${text}`,
  );
  const head = Math.ceil(budget.calls / 2);
  const tail = Math.min(budget.calls, all.length) - head;
  const left = all.length - head - Math.max(0, tail);
  const shown =
    left <= 0
      ? all
      : [...all.slice(0, head), `… ${left} calls …`, ...(tail > 0 ? all.slice(-tail) : [])];
  return [`Calls of attempt ${attempt}, in order:`, ...shown];
}

/** Each line once, where it came first, with how often it came: a loop of calls is told as one. */
function counted(lines: readonly string[]): string[] {
  const times = new Map<string, number>();
  for (const text of lines) times.set(text, (times.get(text) ?? 0) + 1);
  return [...times].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`));
}

const OUTCOMES: Readonly<Record<CallRecord["status"], string>> = {
  success: "answered",
  error: "failed",
  unknown: "no answer is known",
};

function line({ tool, args, status, result }: CallRecord, { perCall }: Budget): string {
  const asked = perCall === 0 ? tool : `${tool} ${cutText(args, perCall)}`;
  const shown = perCall === 0 || result === "" ? "" : `: ${cutText(result, perCall)}`;
  return `${asked} → ${OUTCOMES[status]}${shown}`;
}
