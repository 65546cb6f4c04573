import { writeSync } from "node:fs";

/** Environment variable that holds the descriptor for reports, and the id of the process it belongs to. */
export const REPORT_CHANNEL = "EVENKEEL_REPORT_CHANNEL";

/** What a script that `crash()` or `run()` started tells the process that started it. */
export type ChildReport =
  | { readonly kind: "point"; readonly at: string }
  | { readonly kind: "result"; readonly json: string | undefined };

/**
 * Hands the result of a script to the `run()` that started it; started by hand, the script prints
 * it. Written at once, so it counts even when the process is killed right after.
 */
export function reportResult(value: unknown): void {
  const json: string | undefined = JSON.stringify(value);
  if (!sendReport({ kind: "result", json })) process.stdout.write(`${json}\n`);
}

/** Writes one report, synchronously; false when nobody listens. */
export function sendReport(report: ChildReport): boolean {
  const [descriptor, owner] = (process.env[REPORT_CHANNEL] ?? "").split(":");
  // A grandchild inherits the variable, but the number means another file there.
  if (descriptor === undefined || owner !== String(process.pid)) return false;
  let rest = Buffer.from(`${JSON.stringify(report)}\n`);
  while (rest.length > 0) rest = rest.subarray(writeSync(Number(descriptor), rest));
  return true;
}
