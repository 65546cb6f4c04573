import type { EverythingOutcome } from "../carry-on.ts";
import type { EverythingStage } from "../stage.ts";

const gapsIn = (numbers: readonly number[], first: number | undefined): boolean =>
  numbers.some((number, index) => number !== (first ?? 1) + index);

/** Whether the events of the execution are numbered without a gap, where they are kept and where they are heard. */
export async function sequenceFaults(
  { reports, last }: EverythingOutcome,
  { store }: EverythingStage,
): Promise<string[]> {
  const kept = (await store.listEvents(last.executionId)).map(({ sequence }) => sequence);
  const faults = gapsIn(kept, 1) ? [`events are kept as ${kept.join(", ")}`] : [];
  for (const { heard } of reports) {
    if (gapsIn(heard, heard[0])) faults.push(`events were heard as ${heard.join(", ")}`);
    // Nothing was heard that is not kept.
    if ((heard.at(-1) ?? 0) > kept.length) faults.push(`event ${heard.at(-1)} is not kept`);
  }
  return faults;
}
