import type { KeptTrace } from "../keep/kept-run.ts";
import type { Finding } from "./finding.ts";
import { findingKey } from "./finding.ts";
import { langSmithReview } from "./langsmith-review.ts";
import type { LangSmithReviewOptions, TellOptions } from "./langsmith-review.ts";
import type { Outbox } from "./outbox.ts";
import { fixedId } from "./review-ids.ts";
import { handlersFor } from "./routes.ts";
import type { FlagRoute, FlaggedRun } from "./routes.ts";

/** Everyone who is told what was found: LangSmith and the routes. */
export interface Reviewers {
  /** Settles with who has it; what was given up is reported. */
  tell(
    finding: Finding,
    trace: KeptTrace | null,
    options: TellOptions & { routed: boolean },
  ): Promise<Told>;
  flush(): Promise<void>;
}

/** Who has a finding. */
interface Told {
  readonly reviewed: boolean;
  readonly routed: boolean;
}

/** Who is told of a finding. */
export interface ReviewersOptions {
  langsmith?: LangSmithReviewOptions | undefined;
  routes?: readonly FlagRoute[] | undefined;
}

/** Makes the tellers of one middleware, or of one sweep. */
export function reviewersOf(
  { langsmith, routes = [] }: ReviewersOptions,
  outbox: Outbox,
): Reviewers {
  const review = langsmith === undefined ? undefined : langSmithReview(langsmith, outbox);
  return {
    async tell(finding, trace, options) {
      const handlers = options.routed ? [] : handlersOf(finding, trace, routes);
      const routed = handlers.map((handle) =>
        outbox.post(`A route for execution ${finding.executionId}`, handle),
      );
      const [told, ...taken] = await Promise.all([reviewed(finding, trace, options), ...routed]);
      return { reviewed: told, routed: taken.every(Boolean) };
    },
    flush: () => outbox.flush(),
  };

  async function reviewed(
    finding: Finding,
    trace: KeptTrace | null,
    options: TellOptions,
  ): Promise<boolean> {
    let known = trace;
    // A process that died, or one without a tracer of its own, left no word of where the run is.
    if (known === null && review !== undefined && !options.marked) {
      const { executionId } = finding;
      const search = async (): Promise<void> => void (known = await review.find(executionId));
      const searched = await outbox.post(`The search for execution ${executionId}`, search);
      // It may be on its way still: the next sweep looks again.
      if (!searched || known === null) return false;
    }
    return known === null || review === undefined || review.tell(finding, known, options);
  }
}

function handlersOf(
  finding: Finding,
  trace: KeptTrace | null,
  routes: readonly FlagRoute[],
): (() => Promise<unknown>)[] {
  if (!finding.flagged) return [];
  const { executionId, threadId, outcome, score, severity, flags } = finding;
  const run: FlaggedRun = {
    executionId,
    threadId,
    outcome,
    score,
    severity,
    flags,
    runId: trace?.runId ?? null,
    id: fixedId("route", executionId, findingKey(finding)),
  };
  return handlersFor(run, routes).map((handle) => async () => handle(run));
}
