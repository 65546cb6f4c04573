import type { Baseline } from "../baseline.ts";
import { median } from "../score/robust-z.ts";
import type { FlagRule } from "./flag-rule.ts";

const usual = 0.6;

/** A tool that most good runs use was not used with success. */
export const usualToolMissing: FlagRule = {
  name: "usual-tool-missing",
  failureClass: "planning",
  judge: ({ calls }, { baseline }) => {
    if (baseline === undefined) return undefined;
    const used = new Set(calls.filter((call) => call.ok).map((call) => call.tool));
    const [missing] = [...baseline.tools]
      .filter(([tool, share]) => share >= usual && !used.has(tool))
      .toSorted(([, one], [, other]) => other - one);
    if (missing === undefined) return undefined;
    const [tool, share] = missing;
    return {
      strength: share,
      severity: share >= 0.9 ? "medium" : "low",
      evidence: `"${tool}" was not used with success; ${percent(share)} of ${baseline.runs} good runs use it.`,
      step: null,
    };
  },
};

/** Calls that most good runs make alike were made with other arguments, or not at all. */
export const usualArgumentsMissing: FlagRule = {
  name: "usual-arguments-missing",
  failureClass: "planning",
  judge: ({ calls }, { baseline }) => {
    const facts = new Set(calls.filter((call) => call.ok).flatMap((call) => call.facts));
    return missingShare(
      baseline?.facts,
      facts,
      baseline,
      "of what good runs call their tools with is missing",
      0.5,
    );
  },
};

/** The answer lacks figures, names or references that most good answers have. */
export const usualAnswerMissing: FlagRule = {
  name: "answer-lacks-usual-facts",
  failureClass: "integration-gap",
  judge: ({ answer }, { baseline }) =>
    missingShare(
      baseline?.answerFacts,
      new Set(answer.facts),
      baseline,
      "of the figures, names and references of good answers is missing",
      0.75,
    ),
};

/** A tool was used another number of times than nearly all good runs use it. */
export const usualCountOff: FlagRule = {
  name: "usual-call-count-off",
  failureClass: "planning",
  judge: ({ calls }, { baseline }) => {
    if (baseline === undefined) return undefined;
    let worst: { tool: string; agree: number; expected: number; actual: number } | undefined;
    for (const [tool, share] of baseline.tools) {
      if (share < usual) continue;
      const counts = baseline.entries.map((entry) => entry.tools[tool] ?? 0);
      const expected = median(counts);
      const agree = counts.filter((count) => count === expected).length / counts.length;
      const actual = calls.filter((call) => call.ok && call.tool === tool).length;
      if (agree < usual || actual === expected || agree <= (worst?.agree ?? 0)) continue;
      worst = { tool, agree, expected, actual };
    }
    if (worst === undefined) return undefined;
    return {
      strength: worst.agree,
      severity: "info",
      evidence: `"${worst.tool}" succeeded ${worst.actual} times; ${percent(worst.agree)} of ${baseline.runs} good runs have ${worst.expected}.`,
      step: null,
    };
  },
};

/** A tool was used that hardly any good run uses. */
export const unusualTool: FlagRule = {
  name: "unusual-tool",
  failureClass: "planning",
  judge: ({ calls }, { baseline }) => {
    if (baseline === undefined) return undefined;
    const call = calls.find(({ tool }) => (baseline.tools.get(tool) ?? 0) < 0.05);
    if (call === undefined) return undefined;
    return {
      strength: 1,
      severity: "info",
      evidence: `"${call.tool}" was used; fewer than 5 % of ${baseline.runs} good runs use it.`,
      step: call.step,
    };
  },
};

function missingShare(
  shares: ReadonlyMap<string, number> | undefined,
  present: ReadonlySet<string>,
  baseline: Baseline | undefined,
  what: string,
  grave: number,
): ReturnType<FlagRule["judge"]> {
  if (baseline === undefined || shares === undefined) return undefined;
  const expected = [...shares].filter(([, share]) => share >= usual);
  const total = expected.reduce((sum, [, share]) => sum + share, 0);
  if (total === 0) return undefined;
  const missing = expected.reduce((sum, [fact, share]) => sum + (present.has(fact) ? 0 : share), 0);
  if (missing === 0) return undefined;
  const strength = missing / total;
  return {
    strength,
    severity: strength >= grave ? "low" : "info",
    evidence: `${percent(strength)} ${what} (${baseline.runs} good runs).`,
    step: null,
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
