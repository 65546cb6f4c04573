import type { FailureClass } from "@evenkeel/core";

import type { Finding } from "./finding.ts";

/** Tags and metadata of a root run in LangSmith. */
export interface ReviewMarks {
  tags: string[];
  metadata: Record<string, unknown>;
}

const TAG = "evenkeel:flag:";
const MOST_TAGS = 8;
const OF_A_FLAG = ["evenkeel_flag_reason", "evenkeel_flag_severity", "evenkeel_failure_class"];

/** The reasons of a finding as they stand in tags, the weightiest first. */
export function reasonsOf({ flags }: Pick<Finding, "flags">): string[] {
  return [...new Set(flags.map(({ rule }) => slug(rule)))].slice(0, MOST_TAGS);
}

/** What a finding says on the root of its trace. */
export function marksOf(finding: Finding): ReviewMarks {
  const { executionId, manifestHash, flagged, flags, score, severity } = finding;
  const reasons = reasonsOf(finding);
  const failureClass: FailureClass = flags[0]?.failureClass ?? "unknown";
  return {
    tags: flagged ? reasons.map((reason) => `${TAG}${reason}`) : [],
    metadata: {
      evenkeel_flag_score: score,
      evenkeel_execution_id: executionId,
      ...(manifestHash === null ? {} : { evenkeel_config_hash: manifestHash }),
      ...(flagged
        ? {
            // One value, since filters compare whole values; every reason has a tag of its own.
            evenkeel_flag_reason: reasons[0] ?? "unnamed",
            evenkeel_flag_severity: severity,
            evenkeel_failure_class: failureClass,
          }
        : {}),
    },
  };
}

/** The marks of a run with those of an earlier finding replaced, everything else as it was. */
export function remarked(
  { tags = [], metadata = {} }: Partial<ReviewMarks>,
  marks: ReviewMarks,
): ReviewMarks {
  const kept = Object.entries(metadata).filter(([key]) => !OF_A_FLAG.includes(key));
  return {
    tags: [...new Set([...tags.filter((tag) => !tag.startsWith(TAG)), ...marks.tags])],
    metadata: { ...Object.fromEntries(kept), ...marks.metadata },
  };
}

/** A reason people wrote in words of their own becomes one a filter can name. */
function slug(reason: string): string {
  const words = reason.toLowerCase().match(/[a-z0-9]+/g) ?? ["unnamed"];
  return words.join("-").slice(0, 48);
}
