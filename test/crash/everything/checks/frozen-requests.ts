import { frozenPart } from "../../../../packages/config-freeze/test/support/frozen-part.ts";
import type { EverythingCase, EverythingOutcome } from "../carry-on.ts";

const frozenOf = ({ requests }: EverythingOutcome): Set<string> =>
  new Set(requests.map((body) => JSON.stringify(frozenPart(body))));

/**
 * Requests whose prompt, tools or settings are not, byte for byte, those of the run nobody killed,
 * although another version of the code has made them.
 */
export function driftFaults(
  { durability }: EverythingCase,
  outcome: EverythingOutcome,
  uncrashed: EverythingOutcome,
): string[] {
  const known = frozenOf(uncrashed);
  const drifted = [...frozenOf(outcome)].filter((part) => !known.has(part));
  const faults = drifted.map((part) => `a request drifted: ${part.slice(0, 160)}`);
  if (durability === "sync" && outcome.lostRequests > 0) {
    faults.push(`${outcome.lostRequests} requests were made before anything was durable`);
  }
  return faults;
}
