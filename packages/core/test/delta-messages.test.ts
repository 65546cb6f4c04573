import { MessagesDeltaValue, START, StateGraph, StateSchema } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { bare, thread, watched } from "./support/both.ts";
import type { Build, Subject } from "./support/both.ts";

// LangGraph 1.5 and later give such a message its id as they save it, in the list the node wrote.
const build: Build = () =>
  new StateGraph(new StateSchema({ messages: MessagesDeltaValue }))
    .addNode("agent", () => ({ messages: [{ role: "assistant", content: "Here." }] as never }))
    .addEdge(START, "agent");

interface Messages {
  readonly messages: { readonly id?: string }[];
}

/** True where a message is saved under the id it has in the run's output. */
async function savedAsGiven({ graph }: Subject): Promise<boolean> {
  const input = { messages: [{ role: "user", content: "Hello?" }] };
  const given = (await graph.invoke(input, thread())) as unknown as Messages;
  const { values } = await graph.getState(thread());
  const ids = [given, values as Messages].map(({ messages }) => messages.map(({ id }) => id));
  return JSON.stringify(ids[0]) === JSON.stringify(ids[1]);
}

test("a plain message in a delta channel keeps the id the bare graph's would keep", async () => {
  expect(await savedAsGiven(watched(build))).toBe(await savedAsGiven(bare(build)));
});
