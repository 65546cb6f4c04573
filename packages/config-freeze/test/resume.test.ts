import type { EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { ToolMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { AGENT_SHAPES, deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });
const input = (): object => ({ messages: [new HumanMessage("refund A1")] });

function deployed(
  shape: AgentShape,
  release: Release,
  checkpointer: MemorySaver,
  options: Partial<ConfigFreezeMiddlewareOptions> | null = {},
  events: EvenkeelEvent[] = [],
): TestGraph {
  return deploy({
    shape,
    model: modelOf(release, wire.endpoint().url),
    prompt: release.prompt,
    tools: toolsOf(release),
    checkpointer,
    middleware: options === null ? null : [configFreezeMiddleware(options)],
    events,
  });
}

function lastAnswer(result: Record<string, unknown>): ToolMessage {
  const messages = result["messages"] as ToolMessage[];
  const answer = messages.findLast((message) => message.getType() === "tool");
  if (answer === undefined) throw new Error("There is no ToolMessage.");
  return answer;
}

describe.each(AGENT_SHAPES)("a resumed %s", (shape) => {
  test("keeps prompt, model, settings and tools over a deploy", async () => {
    const saver = new MemorySaver();
    const events: EvenkeelEvent[] = [];
    await deployed(shape, monday, saver).invoke(input(), thread());
    const versions = { refund: toolsOf(monday)[1] };
    const next = deployed(shape, tuesday, saver, { tools: versions }, events);
    const result = await next.invoke(new Command({ resume: "yes" }), thread());

    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
    expect((result["messages"] as { text: string }[]).at(-1)?.text).toBe("done");
    expect(lastAnswer(result).text).toBe('refunded {"amount":5}');
  });

  test("differs from the first part without the middleware", async () => {
    const saver = new MemorySaver();
    await deployed(shape, monday, saver, null).invoke(input(), thread());
    await deployed(shape, tuesday, saver, null).invoke(new Command({ resume: "yes" }), thread());
    const [first, second] = wire.sent();
    expect(second?.prompt).not.toBe(first?.prompt);
    expect(second?.rest).not.toBe(first?.rest);
  });

  test("reports what drifted, goes on counting its events, and names the fields", async () => {
    const saver = new MemorySaver();
    const events: EvenkeelEvent[] = [];
    await deployed(shape, monday, saver, {}, events).invoke(input(), thread());
    const next = deployed(shape, tuesday, saver, {}, events);
    await next.invoke(new Command({ resume: "yes" }), thread());
    const drift = events.filter(({ name }) => name === "config-drifted");
    const fields = drift.flatMap(({ detail }) =>
      (detail["fields"] as { field: string }[]).map(({ field }) => field),
    );
    expect(fields).toEqual(
      expect.arrayContaining(["model.name", "model.parameters.temperature", "tools.cancel"]),
    );
    expect(fields.some((field) => field.startsWith("prompt[0]"))).toBe(true);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  });
});
