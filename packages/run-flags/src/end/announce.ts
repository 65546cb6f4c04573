import type { FlagContext } from "../options.ts";
import type { Finding } from "../review/finding.ts";
import { marksOf, reasonsOf } from "../review/marks.ts";

/** Says on the trace and in the events what was found; in `observe` only that it would have been said. */
export function announce(finding: Finding, context: FlagContext): void {
  const { flags, flagged, severity, score, outcome } = finding;
  const detail = { score, reasons: reasonsOf(finding), outcome };
  if (context.mode === "observe") {
    if (flagged) context.emit("would-have-acted", { detail });
    return;
  }
  context.annotate(marksOf(finding));
  if (!flagged) return;
  context.emit("run-flagged", { severity, failure: flags[0]?.failureClass ?? "unknown", detail });
}
