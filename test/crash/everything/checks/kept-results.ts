import { recallResult } from "@evenkeel/tool-result-offload";

import type { EverythingCase, EverythingOutcome } from "../carry-on.ts";
import { LOG } from "../job.ts";
import type { EverythingStage } from "../stage.ts";

/** Handles in the conversation that do not read, and large results without one. */
export async function resultFaults(
  { scene }: EverythingCase,
  { thread, last: { handles } }: EverythingOutcome,
  { store }: EverythingStage,
): Promise<string[]> {
  const wanted = scene === "large result" ? 1 : 0;
  if (handles.length !== wanted) return [`the conversation holds ${handles.length} handles`];
  const owner = { scope: JSON.stringify(["", thread]), threadId: thread };
  const read = await Promise.all(handles.map((handle) => recallResult({ store, owner }, handle)));
  return read.every((text) => text === LOG) ? [] : ["a kept result reads as something else"];
}
