import type { EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { AGENT_SHAPES, codeOf, deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const DATED = "gpt-5.2-2026-03-01";
const MOVED = "gpt-5.2-2026-11-01";
const script = replyByTurn(REFUND_TURNS);
const every = useWire({ script, aliases: { "gpt-5.2": DATED } });
const listed = useWire({ script, aliases: { "gpt-5.2": DATED }, models: ["gpt-5.2"] });
const undated = useWire({ script, aliases: { "gpt-5.2": "gpt-5" } });

async function resumed(
  wire: typeof every,
  options: ConfigFreezeMiddlewareOptions,
  shape: AgentShape = "StateGraph",
): Promise<{ called: unknown[]; events: EvenkeelEvent[]; code: string | undefined }> {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const agent = (): TestGraph =>
    deploy({
      shape,
      model: modelOf(monday, wire.endpoint().url),
      tools: toolsOf(monday),
      checkpointer: saver,
      middleware: [configFreezeMiddleware(options)],
      events,
    });
  wire.endpoint().setAlias("gpt-5.2", wire === undated ? "gpt-5" : DATED);
  await agent().invoke({ messages: [new HumanMessage("refund A1")] }, thread());
  if (wire === every) wire.endpoint().setAlias("gpt-5.2", MOVED);
  const code = await codeOf(agent().invoke(new Command({ resume: "yes" }), thread()));
  return { called: wire.sent().map((_, at) => wire.body(at)["model"]), events, code };
}

describe("an alias that the provider moves while an execution waits", () => {
  test("is called by its new meaning by default", async () => {
    const { called } = await resumed(every, {});
    expect(called).toEqual(["gpt-5.2", "gpt-5.2", "gpt-5.2"]);
  });

  test.each(AGENT_SHAPES)(
    "is called by the dated name of its first answer with pinModelAlias, in a %s",
    async (shape) => {
      const { called, events } = await resumed(every, { pinModelAlias: true }, shape);
      expect(called).toEqual(["gpt-5.2", DATED, DATED]);
      expect(events.filter(({ name }) => name === "config-drifted")).toEqual([]);
    },
  );

  test("is called by the alias where the dated name cannot be called, and that is said once", async () => {
    const { called, events, code } = await resumed(listed, { pinModelAlias: true });
    expect(code).toBeUndefined();
    expect(called).toEqual(["gpt-5.2", DATED, "gpt-5.2", "gpt-5.2"]);
    const warnings = events.filter(({ name }) => name === "middleware-warning");
    expect(warnings.map(({ detail }) => detail)).toEqual([
      { site: "agent#0", reason: "pinned-name-unknown", model: DATED },
    ]);
  });

  test("that answers with another family's name is not pinned", async () => {
    const { called } = await resumed(undated, { pinModelAlias: true });
    expect(called).toEqual(["gpt-5.2", "gpt-5.2", "gpt-5.2"]);
  });
});
