import { performance } from "node:perf_hooks";

import { type AnyMiddleware, withMiddleware } from "@evenkeel/core";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";

import type { Recording } from "../signals/recording.ts";
import { replayGraph, replayInput } from "../signals/replay-graph.ts";

/** What loop detection adds to each call of a run, in microseconds, call by call. */
export interface OwnTime {
  model: number[];
  tool: number[];
}

type Handler = (request: never) => Promise<never>;

/** Plays a run with a stopwatch on either side of loop detection: what only the outer one sees is its own. */
export async function ownTime(recording: Recording): Promise<OwnTime> {
  const time: OwnTime = { model: [], tool: [] };
  let inner = 0;
  const watch = (name: string, stop: (kind: keyof OwnTime, ms: number) => void): AnyMiddleware => {
    const around =
      (kind: keyof OwnTime) =>
      async (request: never, handler: Handler): Promise<never> => {
        const start = performance.now();
        const result = await handler(request);
        stop(kind, performance.now() - start);
        return result;
      };
    return { name, wrapModelCall: around("model"), wrapToolCall: around("tool") };
  };
  const outside = watch("outside", (kind, ms) => void time[kind].push((ms - inner) * 1_000));
  const inside = watch("inside", (_kind, ms) => void (inner = ms));
  const graph = withMiddleware(
    replayGraph(() => recording, ["read_file"]),
    [outside, loopDetectionMiddleware(), inside],
  );
  await graph.invoke(replayInput(recording), { recursionLimit: 10_000 });
  return time;
}
