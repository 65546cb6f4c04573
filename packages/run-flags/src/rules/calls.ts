import type { RecordedCall, RunReport } from "../run-report.ts";
import type { FlagRule } from "./flag-rule.ts";

/** The last call of the run failed. */
export const lastCallFailed: FlagRule = {
  name: "last-call-failed",
  failureClass: "tool-exhaustion",
  judge: ({ calls }) => {
    const last = calls.at(-1);
    if (last === undefined || !last.answered || last.ok) return undefined;
    return {
      strength: 1,
      severity: "medium",
      evidence: `The last call, of "${last.tool}", failed, and nothing was called after it.`,
      step: last.step,
    };
  },
};

/** The run ended with a call that never got an answer. */
export const cutOff: FlagRule = {
  name: "cut-off",
  failureClass: "retry-budget-overflow",
  judge: ({ calls, answer }) => {
    const last = calls.at(-1);
    if (answer.given || last === undefined || last.answered) return undefined;
    return {
      strength: 1,
      severity: "medium",
      evidence: `The run ended while a call of "${last.tool}" had no answer yet.`,
      step: last.step,
    };
  },
};

/** A failing tool took the whole run with it. */
export const toolErrorEndedRun: FlagRule = {
  name: "tool-error-ended-run",
  failureClass: "tool-exhaustion",
  judge: ({ calls, answer, outcome, error }) => {
    const last = calls.findLast((call) => call.answered);
    if (outcome !== "failed" || answer.given || last === undefined || last.ok) return undefined;
    return {
      strength: 1,
      severity: "high",
      evidence: `The run ended in an error${error === null ? "" : ` (${error.code})`} after "${last.tool}" failed.`,
      step: last.step,
    };
  },
};

/** A tool failed, was not called with success afterwards, and the run answered all the same. */
export const failureIgnored: FlagRule = {
  name: "failed-tool-ignored",
  failureClass: "tool-exhaustion",
  judge: ({ calls, answer }) => {
    const failed = lastUnrepaired(calls);
    if (failed === undefined || !answer.given) return undefined;
    const never = !calls.some((call) => call.tool === failed.tool && call.ok);
    return {
      strength: never ? 1 : 0.6,
      severity: "low",
      evidence: `The last call of "${failed.tool}" failed${never ? ", as did all before it," : ""} and the run answered without it.`,
      step: failed.step,
    };
  },
};

/** No tool was used although there were some. */
export const noToolCall: FlagRule = {
  name: "no-tool-call",
  failureClass: "planning",
  judge: (record, { baseline }) => {
    if (record.toolCalls > 0 || record.offered?.length === 0) return undefined;
    // What was cut off before its first call says nothing of what it would have done.
    if (["superseded", "aborted", "died"].includes(record.outcome)) return undefined;
    const usual = baseline === undefined ? undefined : shareUsingTools(baseline.entries);
    if (usual !== undefined && usual < 0.5) return undefined;
    return {
      strength: record.requests > 1 ? 0.6 : 1,
      severity: usual === undefined ? severityAlone(record) : "high",
      evidence:
        usual === undefined
          ? "The run used no tool."
          : `The run used no tool; ${Math.round(usual * 100)} % of comparable good runs do.`,
      step: null,
    };
  },
};

/** The model named tools that do not exist. */
export const unknownTool: FlagRule = {
  name: "unknown-tool",
  failureClass: "model-hallucination",
  judge: ({ calls }) => {
    const wrong = calls.filter((call) => !call.known);
    const [first] = wrong;
    if (first === undefined) return undefined;
    const count = wrong.length;
    return {
      strength: Math.min(1, count / 2),
      severity: count > 1 ? "medium" : "low",
      evidence: `${count} of ${calls.length} calls named a tool that does not exist, first "${first.tool}".`,
      step: first.step,
    };
  },
};

/** The model sent arguments that do not fit the tool's schema. */
export const invalidArguments: FlagRule = {
  name: "invalid-arguments",
  failureClass: "contract-violation",
  judge: ({ calls }) => {
    const wrong = calls.filter((call) => !call.valid);
    const [first] = wrong;
    if (first === undefined) return undefined;
    const count = wrong.length;
    return {
      strength: Math.min(1, count / 3),
      severity: count > 2 ? "medium" : "low",
      evidence: `${count} of ${calls.length} calls had arguments that do not fit the tool's schema, first of "${first.tool}".`,
      step: first.step,
    };
  },
};

const equalRounds = 3;

/** The same call got the same answer again and again; a loop that was detected says so itself. */
export const repeatedCall: FlagRule = {
  name: "repeated-call",
  failureClass: "planning",
  judge: ({ calls, loop }) => {
    if (loop !== null && loop.rounds >= equalRounds) return undefined;
    const seen = new Map<string, { first: RecordedCall; times: number }>();
    for (const call of calls) {
      if (!call.answered) continue;
      const key = `${call.call} ${call.answer}`;
      const { first, times } = seen.get(key) ?? { first: call, times: 0 };
      seen.set(key, { first, times: times + 1 });
    }
    const [worst] = [...seen.values()].toSorted((one, other) => other.times - one.times);
    if (worst === undefined || worst.times < equalRounds) return undefined;
    return {
      strength: Math.min(1, worst.times / 6),
      severity: worst.times >= 6 ? "low" : "info",
      evidence: `"${worst.first.tool}" was called ${worst.times} times with the same arguments and the same answer.`,
      step: worst.first.step,
    };
  },
};

/** The run went round in circles. */
export const looped: FlagRule = {
  name: "loop",
  failureClass: "planning",
  judge: ({ loop }) => {
    if (loop === null || loop.rounds < equalRounds) return undefined;
    return {
      strength: Math.min(1, loop.rounds / 5),
      severity: loop.rounds >= 5 ? "medium" : "low",
      evidence: `The run repeated itself (${loop.kind}, ${loop.rounds} rounds) from call ${loop.step} on.`,
      step: loop.step,
    };
  },
};

function lastUnrepaired(calls: readonly RecordedCall[]): RecordedCall | undefined {
  const settled = new Set<string>();
  for (const call of calls.toReversed()) {
    if (settled.has(call.tool)) continue;
    if (call.answered && !call.ok) return call;
    settled.add(call.tool);
  }
  return undefined;
}

function shareUsingTools(entries: readonly { toolCalls: number }[]): number {
  return entries.filter((entry) => entry.toolCalls > 0).length / Math.max(1, entries.length);
}

function severityAlone({ answer, requests }: RunReport): "medium" | "low" {
  const evasive = answer.asks || answer.refuses || answer.promises || answer.callsInText;
  return requests <= 1 && evasive ? "medium" : "low";
}
