import type { CheckpointTuple } from "@langchain/langgraph";

import type { LoopParameters } from "../graph/compiled-graph.ts";
import type { GraphPlan } from "../graph/seam-plan.ts";
import { channelUpdates } from "../state/private-state.ts";
import { EXECUTION_CHANNEL } from "./execution.ts";
import { carry } from "./scope.ts";
import type { RunScope } from "./scope.ts";

type Loop = LoopParameters["loop"];

/**
 * Lets a loop that was told to begin at a checkpoint write a fork of it first, with the attempt's
 * identity and state in it: the one write by which an attempt becomes durable. It passes the null
 * task, whose second write to the same checkpoint the Postgres saver would drop.
 */
export function forkLoop(loop: Loop, run: RunScope, reset: GraphPlan["reset"]): void {
  const pending = run.attempts?.pending;
  if (pending === undefined || run.attempts === undefined) return;
  run.attempts.pending = undefined;
  if (pending.restart === "resume" || pending.at === undefined) return;
  // LangGraph goes on in place at the newest checkpoint, and at one that is a fork itself: what
  // siblings wrote there would count for this attempt as well.
  loop.resumeAtHead = false;
  loop.checkpointMetadata = { ...loop.checkpointMetadata, source: "loop" };
  const sequence = run.emitter.sequence();
  carry(run, EXECUTION_CHANNEL, { sequence });
  run.savedSequence = sequence;
  const version = beyond(loop, pending.head);
  for (const [channel, value] of channelUpdates(run.carried, run, reset)) {
    if (loop.channels[channel] === undefined) continue;
    loop.channels[channel].update([value]);
    loop.checkpoint.channel_versions[channel] = version;
  }
  run.carried.clear();
}

/** More versions than any branch of a thread takes. */
const LEAP = 1_000_000;

/**
 * A version no branch of the thread has used. The Postgres saver keeps a channel's value once per
 * version, and versions count on from the checkpoint a branch begins at: without this leap a fork
 * would be given the values that the failed attempt left under the same versions.
 */
function beyond(loop: Loop, head: CheckpointTuple | undefined): number | string {
  const used = [
    ...Object.values(loop.checkpoint.channel_versions),
    ...Object.values(head?.checkpoint.channel_versions ?? {}),
  ];
  // Versions are numbers, or texts that sort: a saver has the one kind or the other.
  const [newest] = used.toSorted((one, other) =>
    typeof one === "number" && typeof other === "number"
      ? other - one
      : String(other).localeCompare(String(one)),
  );
  const leap = typeof newest === "number" ? newest + LEAP : newest;
  return loop.checkpointerGetNextVersion(leap);
}

/** Notes the checkpoint at which the user's first nodes are to run, once the loop stands there. */
export function noteBegin(loop: Loop, run: RunScope): void {
  const { attempts } = run;
  if (attempts === undefined || attempts.begin !== undefined) return;
  const tick = loop.tick.bind(loop);
  loop.tick = async (parameters) => {
    const more = await tick(parameters);
    if (attempts.begin === undefined && loop.checkpointMetadata.source !== "input") {
      attempts.begin = loop.checkpoint.id;
      carry(run, EXECUTION_CHANNEL, { begin: attempts.begin });
    }
    return more;
  };
}
