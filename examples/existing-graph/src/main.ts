import { replyByTurn, startOpenAIEndpoint } from "@evenkeel/testing";
import { Command, MemorySaver } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";

import { langchainAgent } from "./create-agent.ts";
import { deepAgent } from "./deep-agent.ts";
import { reactAgent } from "./react-agent.ts";
import type { Release } from "./release.ts";
import { stateGraph } from "./state-graph.ts";

/** The part of any of these graphs that is used here. */
interface Agent {
  invoke(input: unknown, config: object): Promise<unknown>;
}

const kinds: Record<string, (release: Release) => { graph: unknown; agent: unknown }> = {
  StateGraph: stateGraph,
  createReactAgent: reactAgent,
  createAgent: langchainAgent,
  createDeepAgent: deepAgent,
};
const prompts = { monday: "Be kind to customers.", tuesday: "Be strict with customers." };

// Without a key a model on this machine answers, which the same client calls.
const local =
  process.env["OPENAI_API_KEY"] === undefined
    ? await startOpenAIEndpoint({
        script: replyByTurn([
          { toolCalls: [{ name: "refund", args: { order: "A1" } }] },
          { content: "Your order A1 was refunded." },
        ]),
      })
    : undefined;

// What leaves the process is noted here, whoever answers.
const sent: string[] = [];
const model = new ChatOpenAI({
  model: "gpt-5.2",
  ...(local === undefined ? {} : { apiKey: "none-needed" }),
  configuration: {
    ...(local === undefined ? {} : { baseURL: local.url }),
    fetch: (url, init) => {
      sent.push(JSON.stringify(init?.body));
      return fetch(url, init);
    },
  },
});

/** A person asks on Monday, and another approves on Tuesday, after the deploy. */
async function promptAfterDeploy(kind: string, which: "graph" | "agent"): Promise<string> {
  const checkpointer = new MemorySaver();
  const config = { configurable: { thread_id: `${kind}, ${which}` } };
  const deployed = (prompt: string): Agent =>
    kinds[kind]?.({ prompt, model, checkpointer })[which] as Agent;

  const content = "I was charged twice for order A1. Refund one charge.";
  await deployed(prompts.monday).invoke({ messages: [{ role: "user", content }] }, config);
  sent.length = 0;
  await deployed(prompts.tuesday).invoke(new Command({ resume: "yes" }), config);
  const told = Object.values(prompts).filter((prompt) => sent[0]?.includes(prompt));
  return told.join(" ");
}

try {
  console.log(`approved on Monday: ${prompts.monday}\ndeployed on Tuesday: ${prompts.tuesday}\n`);
  console.log("told to the model by      the bare graph              with Evenkeel");
  for (const kind of Object.keys(kinds)) {
    const bare = await promptAfterDeploy(kind, "graph");
    const evenkeel = await promptAfterDeploy(kind, "agent");
    console.log(`${kind.padEnd(26)}${bare.padEnd(28)}${evenkeel}`);
    if (bare !== prompts.tuesday || evenkeel !== prompts.monday) process.exitCode = 1;
  }
} finally {
  await local?.close();
}
