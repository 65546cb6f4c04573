import type { RunRecord } from "@evenkeel/core";

import { type KeptReview, type KeptRun, type KeptTrace, withKept } from "../keep/kept-run.ts";
import type { RecordChange, RecordKeeper } from "../keep/record-keeper.ts";
import { type Finding, reviewOf } from "../review/finding.ts";
import type { Reviewers } from "../review/reviewers.ts";

/** A record as it is to be kept, and what reviewers are to know of it. */
export interface Outcome {
  record: RunRecord;
  /** What run-flags keeps of it, up to the state of its review. */
  kept: KeptRun;
  finding: Finding;
  /** The live root run carries the marks already. */
  marked: boolean;
  /** A person says so: then reviewers are told of an execution that was observed only as well. */
  insists?: boolean;
}

/** What becomes of an execution, by what the store has of it; asked anew where that has changed. */
type OutcomeOf = (known: RunRecord | undefined, kept: KeptRun | undefined) => Outcome | undefined;

/** Keeps outcomes and tells reviewers of them, each at most once. */
export interface Delivery {
  /**
   * Changes a record as the store has it, then tells the reviewers what they do not know yet. What a
   * process that dies in between leaves untold stays marked as due. `last` is the record as this
   * process wrote it, which saves reading it where nobody else has.
   */
  deliver(executionId: string, outcome: OutcomeOf, last?: RunRecord): Promise<void>;
  /** Tells again what is marked as due. */
  repeat(record: RunRecord, kept: KeptRun, finding: Finding): Promise<void>;
  flush(): Promise<void>;
}

/** Makes the delivery of one middleware, or of one sweep. */
export function deliveryOf(keeper: RecordKeeper, reviewers: Reviewers): Delivery {
  const underWay = new Set<Promise<void>>();
  const track = (work: Promise<void>): Promise<void> => {
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  };

  async function tell(
    record: RunRecord,
    finding: Finding,
    trace: KeptTrace | null,
    { marked, corrects, review }: { marked: boolean; corrects: boolean; review: KeptReview },
  ): Promise<void> {
    const { executionId } = record;
    const { key } = review;
    const told = await reviewers.tell(finding, trace, { marked, corrects, routed: review.routed });
    const state = told.reviewed && told.routed ? "sent" : "due";
    if (state === review.state && told.routed === review.routed) return;
    const say: RecordChange = (known, kept) => {
      if (known === undefined || kept?.review?.key !== key) return undefined;
      return withKept(known, { ...kept, review: { key, state, routed: told.routed } });
    };
    await keeper.change(executionId, say, record);
  }

  async function keepAndTell(
    executionId: string,
    outcome: OutcomeOf,
    last?: RunRecord,
  ): Promise<void> {
    let telling: (() => Promise<void>) | undefined;
    let asked = false;
    const decide: RecordChange = (known, kept) => {
      asked = true;
      telling = undefined;
      const decided = outcome(known, kept);
      if (decided === undefined) return undefined;
      const { record, kept: keeps, finding, marked, insists = false } = decided;
      if (keeps.observed && !insists) return withKept(record, keeps);
      const told = kept?.review ?? null;
      const review = reviewOf(finding, told);
      if (review?.state === "due") {
        const corrects = told !== null && told.key !== "";
        const options = { marked, corrects, review };
        telling = () => tell(written, finding, keeps.trace, options);
      }
      const written = withKept(record, { ...keeps, review });
      return written;
    };
    await keeper.change(executionId, decide, last);
    // Where there is no store, or it cannot be read, reviewers are told all the same.
    if (!asked) decide(undefined, undefined);
    await telling?.();
  }

  return {
    deliver: (executionId, outcome, last) => track(keepAndTell(executionId, outcome, last)),
    repeat: (record, { trace, review }, finding) =>
      review === null
        ? Promise.resolve()
        : track(tell(record, finding, trace, { marked: false, corrects: true, review })),
    async flush() {
      while (underWay.size > 0) await Promise.all(underWay);
      await reviewers.flush();
    },
  };
}
