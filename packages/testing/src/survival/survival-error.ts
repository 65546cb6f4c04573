import { EvenkeelError } from "@evenkeel/core/errors";

/** Why a graph is not shown to survive. */
export type SurvivalErrorCode =
  | "did-not-survive"
  | "graph-not-found"
  | "invalid-option"
  | "no-boundaries"
  | "not-deterministic"
  | "package-missing"
  | "run-failed";

/** What `expectSurvives()` throws; the message names every boundary the graph did not survive. */
export class SurvivalError extends EvenkeelError<SurvivalErrorCode> {}
