import type { EverythingOutcome } from "../carry-on.ts";
import type { EverythingStage } from "../stage.ts";

/** Executions whose events are not numbered from 1 without a gap, where they are kept and where they are heard. */
export async function sequenceFaults(
  { reports, last }: EverythingOutcome,
  { store }: EverythingStage,
): Promise<string[]> {
  const ids = new Set(reports.flatMap(({ heard }) => heard.map(([id]) => id)));
  const faults: string[] = [];
  for (const id of ids) {
    const kept = (await store.listEvents(id)).map(({ sequence }) => sequence);
    if (kept.some((sequence, index) => sequence !== index + 1)) {
      faults.push(`events of ${id} are kept as ${kept.join(", ")}`);
    }
    const heard = last.heard.filter(([of]) => of === id).map(([, sequence]) => sequence);
    if (heard.some((sequence, index) => index > 0 && sequence !== (heard[index - 1] ?? 0) + 1)) {
      faults.push(`events of ${id} were heard as ${heard.join(", ")}`);
    }
  }
  return faults;
}
