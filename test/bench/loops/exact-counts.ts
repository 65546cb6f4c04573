import { withMiddleware, wrapModel } from "@evenkeel/core";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";
import { MemorySaver } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";

import { RecordedModel } from "../signals/recorded-model.ts";
import type { Recording } from "../signals/recording.ts";
import { recordedTool, replayGraph, replayInput } from "../signals/replay-graph.ts";

/** How many supersteps a run took and how many checkpoints it left, bare and with loop detection. */
export interface ExactCounts {
  graph: string;
  bare: Counts;
  guarded: Counts;
}

interface Counts {
  supersteps: number;
  checkpoints: number;
}

interface Runnable {
  invoke(input: unknown, config: object): Promise<unknown>;
}

/** Counts on three kinds of graph; nothing here depends on the machine. */
export async function exactCounts(recording: Recording): Promise<ExactCounts[]> {
  const model = (): RecordedModel => new RecordedModel(() => recording);
  const tools = [recordedTool(() => recording, "read_file")];
  const kinds: [string, (checkpointer: MemorySaver) => object][] = [
    ["StateGraph", (checkpointer) => replayGraph(() => recording, ["read_file"], checkpointer)],
    [
      "createReactAgent",
      (checkpointer) => createReactAgent({ llm: wrapModel(model()) as never, tools, checkpointer }),
    ],
    ["createAgent", (checkpointer) => createAgent({ model: model(), tools, checkpointer })],
  ];
  return Promise.all(
    kinds.map(async ([graph, build]) => {
      const [one, other] = [new MemorySaver(), new MemorySaver()];
      const bare = build(one);
      const guarded = withMiddleware(build(other), [loopDetectionMiddleware()]);
      return {
        graph,
        bare: await countsOf(("graph" in bare ? bare.graph : bare) as Runnable, one, recording),
        guarded: await countsOf(guarded as unknown as Runnable, other, recording),
      };
    }),
  );
}

async function countsOf(
  graph: Runnable,
  checkpointer: MemorySaver,
  recording: Recording,
): Promise<Counts> {
  const configurable = { thread_id: "thread" };
  await graph.invoke(replayInput(recording), { configurable, recursionLimit: 10_000 });
  const counts: Counts = { supersteps: 0, checkpoints: 0 };
  for await (const { metadata } of checkpointer.list({ configurable })) {
    counts.checkpoints += 1;
    counts.supersteps = Math.max(counts.supersteps, metadata?.step ?? 0);
  }
  return counts;
}
