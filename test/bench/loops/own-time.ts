import { performance } from "node:perf_hooks";

import { type AnyMiddleware, defineMiddleware, withMiddleware } from "@evenkeel/core";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";

import {
  emptyLoopState,
  observeTurn,
} from "../../../packages/loop-detection/src/detectors/loop-state.ts";
import { digestTurn } from "../../../packages/loop-detection/src/turns/turn-digest.ts";
import { median } from "../measure/statistics.ts";
import type { Recording } from "../signals/recording.ts";
import { replayGraph, replayInput } from "../signals/replay-graph.ts";

/** What a middleware adds to each call of a run, in microseconds, call by call. */
export interface OwnTime {
  model: number[];
  tool: number[];
}

type Handler = (request: never) => Promise<never>;

/** Plays a run under loop detection and times what it adds, between two steps of a real graph. */
export function loopTime(recording: Recording): Promise<OwnTime> {
  return ownTime(recording, loopDetectionMiddleware());
}

/** The same of a middleware that does nothing: what any middleware costs. */
export function seamTime(recording: Recording): Promise<OwnTime> {
  const idle = defineMiddleware({
    name: "idle",
    options: {},
    wrapModelCall: (request, handler) => handler(request),
    wrapToolCall: (request, handler) => handler(request),
  });
  return ownTime(recording, idle);
}

/**
 * Reads the turns of a run again and again: what detection itself costs a turn, with warm caches. In
 * time of the processor: a lap is long enough for the machine to turn to somebody else meanwhile.
 */
export function warmTime({ steps }: Recording): number {
  const turns = steps.map(({ turn }) => turn);
  const laps = Array.from({ length: 12 }, () => {
    const start = process.cpuUsage();
    let state = emptyLoopState;
    for (const turn of turns) state = observeTurn(state, digestTurn(turn)).state;
    return process.cpuUsage(start).user / turns.length;
  });
  return median(laps.slice(4));
}

/** A stopwatch stands on either side of the middleware: what only the outer one sees is its own. */
async function ownTime(recording: Recording, middleware: AnyMiddleware): Promise<OwnTime> {
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
    [outside, middleware, inside],
  );
  await graph.invoke(replayInput(recording), { recursionLimit: 10_000 });
  return time;
}
