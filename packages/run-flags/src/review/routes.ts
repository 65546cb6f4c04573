import type { FailureClass, Severity } from "@evenkeel/core";

import type { Flag } from "../rules/flag-rule.ts";
import { plainText } from "../shape/plain-text.ts";

/** A flagged run as routes are told of it: ids, figures and evidence; no argument and no result. */
export interface FlaggedRun {
  executionId: string;
  threadId: string | null;
  outcome: string;
  score: number;
  severity: Severity;
  flags: readonly Flag[];
  /** The run that stands for the execution in LangSmith, where it was traced. */
  runId: string | null;
  /** The same each time this is sent, by whatever process: drop what you have seen. */
  id: string;
}

/** Takes a flagged run; what it throws is reported and reaches nobody else. */
export type FlagHandler = (run: FlaggedRun) => unknown;

/** Sends flagged runs on, by their gravest severity or by class of failure. */
export interface FlagRoute {
  /** @default "info", every flagged run */
  from?: Severity;
  /** Classes of which at least one must be among the flags. @default all */
  classes?: readonly FailureClass[];
  /** One line to standard error, a POST of JSON to a webhook, or your function. */
  to: "console" | { webhook: string; headers?: Readonly<Record<string, string>> } | FlagHandler;
}

/** Severities by gravity. */
export const SEVERITIES: readonly Severity[] = ["info", "low", "medium", "high", "critical"];

const WEBHOOK_TIMEOUT_MS = 10_000;

/** The handlers a flagged run goes to. */
export function handlersFor(run: FlaggedRun, routes: readonly FlagRoute[]): FlagHandler[] {
  return routes
    .filter(({ from = "info", classes }) => {
      const grave = SEVERITIES.indexOf(run.severity) >= SEVERITIES.indexOf(from);
      const concerned =
        classes === undefined ||
        run.flags.some(({ failureClass }) => classes.includes(failureClass));
      return grave && concerned;
    })
    .map(({ to }) => {
      if (typeof to === "function") return to;
      return to === "console" ? toConsole : (flagged) => toWebhook(flagged, to);
    });
}

function toConsole({ executionId, severity, score, flags }: FlaggedRun): void {
  const rules = flags.map(({ rule }) => rule).join(", ");
  const line = `evenkeel: ${severity} ${score.toFixed(2)} ${executionId} ${rules}`;
  process.stderr.write(`${plainText(line, 1_000).replaceAll("\n", " ")}\n`);
}

async function toWebhook(
  run: FlaggedRun,
  { webhook, headers = {} }: { webhook: string; headers?: Readonly<Record<string, string>> },
): Promise<void> {
  const response = await fetch(webhook, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": run.id, ...headers },
    body: JSON.stringify(run),
    signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The webhook answered ${response.status}.`);
}
