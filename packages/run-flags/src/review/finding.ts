import type { RunRecord, Severity } from "@evenkeel/core";

import type { Judgement } from "../judge.ts";
import type { KeptReview, KeptRun, PersonFlag } from "../keep/kept-run.ts";
import type { Flag } from "../rules/flag-rule.ts";
import { plainText } from "../shape/plain-text.ts";
import { inSample } from "./review-ids.ts";

/** What there is to say about an execution, whoever found it. */
export interface Finding {
  executionId: string;
  threadId: string | null;
  manifestHash: string | null;
  outcome: string;
  score: number;
  severity: Severity;
  /** What people said first, then what rules found, gravest first. */
  flags: readonly Flag[];
  flagged: boolean;
  /** Unflagged, and drawn for review all the same. */
  sampled: boolean;
}

const NOTHING: Judgement = { score: 0, flags: [], flagged: false, severity: "info", broken: [] };

/** Sums up what rules and people found. */
export function findingOf(
  { executionId, threadId, manifestHash }: RunRecord,
  { report, judgement, people }: Pick<KeptRun, "report" | "judgement" | "people">,
  sampleGood = 0,
): Finding {
  const { flags, flagged, severity, score } = judgement ?? NOTHING;
  const byPeople = people.length > 0;
  return {
    executionId,
    threadId,
    manifestHash,
    outcome: report.outcome,
    score: byPeople ? 1 : score,
    severity: byPeople && severity !== "critical" ? "high" : severity,
    flags: [...people.map(flagOf), ...flags],
    flagged: flagged || byPeople,
    sampled:
      !flagged && !byPeople && report.outcome === "completed" && inSample(executionId, sampleGood),
  };
}

/** Names what a finding says, so that what has been said is not said again; empty where nothing is. */
export function findingKey({ flagged, sampled, flags }: Finding): string {
  if (flagged) return JSON.stringify(flags.map(({ rule }) => rule)).slice(0, 2_000);
  return sampled ? "sample" : "";
}

/** What reviewers are to be told now: what they were told before, if that is still so. */
export function reviewOf(finding: Finding, told: KeptReview | null): KeptReview | null {
  const key = findingKey(finding);
  if (told?.key === key) return told;
  // What was never flagged needs no taking back.
  return key === "" && told === null ? null : { key, state: "due", routed: false };
}

function flagOf({
  reason,
  comment,
  actor,
  failureClass = "unknown",
  tool,
  field,
}: PersonFlag): Flag {
  const about = [
    ...(tool === undefined ? [] : [`tool "${tool}"`]),
    ...(field === undefined ? [] : [`missing "${field}"`]),
  ].join(", ");
  const said = comment === "" ? "." : `: ${comment}`;
  return {
    rule: reason,
    failureClass,
    strength: 1,
    severity: "high",
    evidence: plainText(`Flagged by ${actor}${about === "" ? "" : ` (${about})`}${said}`, 500),
    step: null,
  };
}
