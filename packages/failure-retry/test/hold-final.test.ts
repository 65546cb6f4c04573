import { HumanMessage } from "@langchain/core/messages";
import type { StreamEvent } from "@langchain/core/tracers/log_stream";
import { describe, expect, test } from "vitest";

import { calling, lastText, shop, toolOf } from "./support/shop.ts";

describe("chunks of a final answer", () => {
  const streamed = async (holdFinal: boolean): Promise<string[]> => {
    const subject = shop({
      turns: [{ content: "wrong" }, { content: "right" }],
      options: { holdFinal, verify: ({ text }) => text === "right" },
    });
    const texts: string[] = [];
    const config = { configurable: { thread_id: "t" }, streamMode: "updates" };
    for await (const chunk of await subject.agent.stream({ messages: [] }, config)) {
      texts.push(lastText((chunk as { agent: Record<string, unknown> }).agent));
    }
    return texts;
  };

  test("are delivered as they come, the rejected ones too", async () => {
    expect(await streamed(false)).toEqual(["wrong", "right"]);
  });

  test("are held until it passed, with holdFinal", async () => {
    expect(await streamed(true)).toEqual(["right"]);
  });
});

interface Streams {
  // A promise of it in v3, which `for await` of a plain value bears as well.
  streamEvents(
    input: object,
    config: object,
  ): AsyncIterable<StreamEvent> & PromiseLike<AsyncIterable<unknown>>;
}

describe("events of a final answer, in streamEvents", () => {
  const heard = async (holdFinal: boolean): Promise<{ texts: string; kinds: string[] }> => {
    const subject = shop({
      turns: [calling("look_up"), { content: "wrong" }, calling("look_up"), { content: "right" }],
      tools: [toolOf("look_up", () => "found")],
      options: { holdFinal, verify: ({ text }) => text === "right" },
    });
    const texts: string[] = [];
    const kinds: string[] = [];
    const config = { version: "v2", configurable: { thread_id: "t" } };
    const input = { messages: [new HumanMessage("Please.")] };
    const graph = subject.agent as unknown as Streams;
    for await (const { event, name, data } of graph.streamEvents(input, config)) {
      kinds.push(`${event} ${name}`);
      const chunk = data.chunk as { text?: unknown } | undefined;
      if (event === "on_chat_model_stream" && typeof chunk?.text === "string")
        texts.push(chunk.text);
    }
    return { texts: texts.join(""), kinds };
  };

  test("come as they are without holdFinal", async () => {
    expect((await heard(false)).texts).toBe("wrongright");
  });

  test("are held until it passed, with holdFinal, and none of the answer that counts is missing", async () => {
    const held = await heard(true);
    expect(held.texts).toBe("right");
    const loose = await heard(false);
    const last = loose.kinds.slice(loose.kinds.lastIndexOf("on_chat_model_start ScriptedModel"));
    expect(held.kinds.slice(-last.length).toSorted()).toEqual(last.toSorted());
    expect(held.kinds.at(-1)).toBe("on_chain_end LangGraph");
    expect(held.kinds.filter((kind) => kind.startsWith("on_tool_end"))).toHaveLength(2);
  });

  test.each([
    [false, true],
    [true, false],
  ])("of v3 with holdFinal %j hold the rejected answer: %j", async (holdFinal, holds) => {
    const subject = shop({
      turns: [{ content: "wrong" }, { content: "right" }],
      options: { holdFinal, verify: ({ text }) => text === "right" },
    });
    const graph = subject.agent as unknown as Streams;
    const events: unknown[] = [];
    const config = { version: "v3", configurable: { thread_id: "t" } };
    const stream = await graph.streamEvents({ messages: [new HumanMessage("Please.")] }, config);
    for await (const event of stream) events.push(event);
    expect(JSON.stringify(events)).toContain("right");
    expect(JSON.stringify(events).includes("wrong")).toBe(holds);
  });
});
