import type { Middleware, RecordStore } from "@evenkeel/core";
import { type EvenkeelEvent, withMiddleware } from "@evenkeel/core";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";

import type { Judgement, KeptRun } from "../../../packages/run-flags/src/index.ts";
import { keptRun } from "../../../packages/run-flags/src/keep/kept-run.ts";
import type { Recording } from "./recording.ts";
import { replayGraph, replayInput } from "./replay-graph.ts";
import { type SeenLoops, loopsIn } from "./seen-loops.ts";

/** How runs are played again. */
export interface ReplayOptions {
  /** The middleware that judges; keeps what it found in `store`. */
  flags: Middleware;
  store: Pick<RecordStore, "getRecord">;
  /** The tools that the runs' agents had. */
  toolNames: readonly string[];
}

/** What the middleware made of one run. */
export interface ReplayedRun {
  kept: KeptRun & { judgement: Judgement };
  loops: SeenLoops;
}

/**
 * Makes what plays recorded runs on a graph under both middleware, one after the other. Loops are
 * only observed: a recording cannot take another way when it is told to.
 */
export function replayer({
  flags,
  store,
  toolNames,
}: ReplayOptions): (recording: Recording) => Promise<ReplayedRun> {
  let current: Recording | undefined;
  let events: EvenkeelEvent[] = [];
  const playing = (): Recording => {
    if (current === undefined) throw new Error("nothing is being played");
    return current;
  };
  const graph = withMiddleware(
    replayGraph(playing, toolNames),
    [flags, loopDetectionMiddleware({ mode: "observe" })],
    {
      runMode: "replay",
      createId: () => playing().id,
      clock: () => Date.UTC(2026, 0, 1),
      onEvent: (event) => void events.push(event),
    },
  );
  return async (recording) => {
    current = recording;
    events = [];
    try {
      await graph.invoke(replayInput(recording), { recursionLimit: 10_000 });
    } catch (error) {
      if (recording.failedWith === undefined) throw error;
    }
    const kept = keptRun(await store.getRecord(recording.id));
    if (kept?.judgement === undefined || kept.judgement === null) {
      throw new Error(`${recording.id} was played and not judged`);
    }
    return { kept: { ...kept, judgement: kept.judgement }, loops: loopsIn(events) };
  };
}
