/** `npm run bench:retry -- [--pairs 100] [--json]`: one fault schedule through LangChain's retries and ours, and what ours costs a run that does not fail. */

import { withMiddleware, wrapModel } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

import { TROUBLES, playFault } from "../fault-schedule/play-fault.ts";
import { timePairs } from "./measure/interleaved-pairs.ts";
import { pairsOptions } from "./measure/pairs-options.ts";

const TOOL_CALLS = 6;
const LINGER_MS = 12_000;

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a run that does not fail takes other checkpoints than the bare graph. */
async function main(args: readonly string[]): Promise<number> {
  const given = pairsOptions(args, 100);
  if (given === undefined) return 2;
  const { pairs, json } = given;
  const schedule = [];
  for (const trouble of TROUBLES) {
    for (const side of ["langchain", "evenkeel"] as const) {
      schedule.push(await playFault(trouble, side, LINGER_MS));
    }
  }
  const cost = await quietCost(pairs);
  if (json) {
    console.log(JSON.stringify({ schedule, cost }, undefined, 2));
  } else {
    console.table(schedule);
    console.table([cost]);
  }
  return cost.checkpoints === cost.bareCheckpoints ? 0 : 1;
}

interface Quiet {
  invoke(input: unknown, config: object): Promise<unknown>;
}

async function quietCost(pairs: number) {
  const bare = quietAgent(false);
  const ours = quietAgent(true);
  const { ratio, interval, referenceMs, variantMs, differenceMs } = await timePairs({
    pairs,
    reference: bare.run,
    variant: ours.run,
    betweenBatches: async () => undefined,
  });
  // Bare against bare, to say how much of a ratio is noise.
  const same = await timePairs({
    pairs,
    reference: bare.run,
    variant: quietAgent(false).run,
    betweenBatches: async () => undefined,
  });
  return {
    ratio: round(ratio),
    from: round(interval.low),
    to: round(interval.high),
    "bare/bare": round(same.ratio),
    bareMs: round(referenceMs),
    oursMs: round(variantMs),
    "µs per call": Math.round((differenceMs / (2 * TOOL_CALLS + 1)) * 1_000),
    bareCheckpoints: await bare.checkpoints(),
    checkpoints: await ours.checkpoints(),
  };
}

function quietAgent(retries: boolean): {
  run(): Promise<unknown>;
  checkpoints(): Promise<number>;
} {
  const checkpointer = new MemorySaver();
  const turns = [
    ...Array.from({ length: TOOL_CALLS }, (_, index) => ({
      toolCalls: [{ name: "look_up", args: { index } }],
    })),
    { content: "Done." },
  ];
  const model = scriptedModel(turns);
  const lookUp = tool(({ index }) => `result ${index}`, {
    name: "look_up",
    description: "Looks up.",
    schema: z.object({ index: z.number() }),
  });
  const graph = createReactAgent({
    llm: retries ? wrapModel(model) : model,
    tools: [lookUp],
    checkpointer,
  });
  const agent = (retries ? withMiddleware(graph, [failureRetryMiddleware()]) : graph) as Quiet;
  let threads = 0;
  const config = (thread: string) => ({ configurable: { thread_id: thread }, durability: "sync" });
  return {
    run: async () => {
      threads += 1;
      return agent.invoke({ messages: [new HumanMessage("Go.")] }, config(String(threads)));
    },
    checkpoints: async () => {
      await agent.invoke({ messages: [new HumanMessage("Go.")] }, config("counted"));
      let count = 0;
      for await (const _checkpoint of checkpointer.list({
        configurable: { thread_id: "counted" },
      })) {
        count += 1;
      }
      return count;
    },
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
