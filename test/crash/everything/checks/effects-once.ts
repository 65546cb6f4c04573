import type { EverythingOutcome } from "../carry-on.ts";

/** Effects that the payment log does not show exactly as often as that of the run nobody killed. */
export function effectFaults(outcome: EverythingOutcome, uncrashed: EverythingOutcome): string[] {
  const abouts = new Set([...Object.keys(uncrashed.done), ...Object.keys(outcome.done)]);
  return [...abouts].flatMap((about) => {
    const wanted = uncrashed.done[about] ?? 0;
    const times = outcome.done[about] ?? 0;
    return times === wanted && times <= 1 ? [] : [`${about} was done ${times} times`];
  });
}
