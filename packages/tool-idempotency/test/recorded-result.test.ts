import type { EffectRecord } from "@evenkeel/core";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { Command, Send, isCommand } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";

import { plainResult, recordResult, recordedResult } from "../src/call/recorded-result.ts";
import { SCOPE, bank, calls, doing } from "./support/bank.ts";

const record = (result: unknown): EffectRecord => ({
  v: 1,
  scope: "scope",
  key: "key",
  executionId: "execution",
  threadId: null,
  tool: "tool",
  effect: "once",
  status: "settled",
  argsHash: "hash",
  plan: "1",
  ordinal: 0,
  token: 1,
  asked: null,
  request: { args: {} },
  result: JSON.parse(JSON.stringify(result)) as unknown,
  createdAt: "2026-01-01T00:00:00.000Z",
  settledAt: null,
});

const through = (result: ToolMessage | Command): ToolMessage | Command =>
  recordedResult(record(recordResult(result, "old")), "new", "test");

describe("a recorded result", () => {
  it("is the message it was, part for part, under the id that asks", () => {
    const fields = {
      name: "tool",
      id: "message-1",
      status: "error" as const,
      content: [
        { type: "text", text: "NUL \u0000, half of a pair \ud800, and 𝒳" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
      ],
      artifact: {
        rows: [{ at: new Date("2026-01-02T03:04:05.678Z"), big: 10n ** 30n, none: Number.NaN }],
        bytes: new Uint8Array([0, 255, 7]),
        index: new Map([["a", new Set([1, 2])]]),
        $evenkeel: "a user's own field of that name",
      },
      additional_kwargs: { evenkeel: { v: 1, code: "x" } },
      response_metadata: { region: "eu" },
    };
    const again = through(new ToolMessage({ ...fields, tool_call_id: "old" }));
    if (!ToolMessage.isInstance(again)) throw new Error("no message came back");
    expect(again.tool_call_id).toBe("new");
    for (const [name, value] of Object.entries(fields)) {
      expect({ [name]: again[name as keyof typeof fields] }).toEqual({ [name]: value });
    }
  });

  it("is the Command it was, with its messages, where it goes, and what it sends", () => {
    const again = through(
      new Command({
        graph: Command.PARENT,
        goto: [new Send("next", { about: new HumanMessage("hello"), nothing: undefined }), "other"],
        update: {
          messages: [
            new ToolMessage({ content: "done", tool_call_id: "old" }),
            new ToolMessage({ content: "of another call", tool_call_id: "other" }),
            new AIMessage({ content: "", tool_calls: [{ name: "x", args: {}, id: "y" }] }),
          ],
          list: [["channel", 1]],
        },
      }),
    );
    if (!isCommand(again)) throw new Error("no Command came back");
    const { messages, list } = again.update as { messages: ToolMessage[]; list: unknown };
    expect(messages.map((one) => one.tool_call_id)).toEqual(["new", "other", undefined]);
    expect(AIMessage.isInstance(messages[2])).toBe(true);
    expect(list).toEqual([["channel", 1]]);
    expect(again.graph).toBe(Command.PARENT);
    const [send, other] = again.goto as [Send, string];
    expect(send).toBeInstanceOf(Send);
    expect((send.args as { about: unknown }).about).toBeInstanceOf(HumanMessage);
    expect(other).toBe("other");
  });

  it.each([undefined, null, 1, "text", { v: 2, value: {} }, { v: 1, value: "no message" }])(
    "that is none of ours (%j) is refused by code",
    (foreign) => {
      const row = { ...record(null), result: foreign };
      const code = { code: "result-unreadable", middleware: "test" };
      expect(() => recordedResult(row, "new", "test")).toThrow(expect.objectContaining(code));
      expect(plainResult(row)).toBeUndefined();
    },
  );
});

describe("a tool that gives", () => {
  it.each([
    ["nothing", () => undefined, ""],
    ["null", () => null, "null"],
    ["an object", () => ({ paid: 20 }), '{"paid":20}'],
    ["an empty text", () => "", ""],
  ])("%s is answered alike again", async (_, work, text) => {
    const one = await bank({
      turns: [calls(["pay"]), { content: "Done." }],
      does: [doing("pay", work)],
    });
    const [bare] = (await one.start()).answers;
    const [first] = await one.checkpoints();
    const [again] = (await one.go(null, { configurable: { checkpoint_id: first } })).answers;
    expect(again?.text).toBe(bare?.text);
    expect([text, "undefined", "null"]).toContain(again?.text);
    expect(one.events.map(({ name }) => name)).toContain("effect-reused");
  });

  it("what nobody can record has happened all the same, and is not made again", async () => {
    let times = 0;
    const pay = doing("pay", () => {
      times += 1;
      const artifact = {
        toJSON: () => {
          throw new Error("not for paper");
        },
      };
      return new ToolMessage({ content: "paid", tool_call_id: "call", name: "pay", artifact });
    });
    const one = await bank({
      turns: [calls(["pay", {}, "call"]), { content: "Done." }],
      does: [pay],
    });
    await one.start().catch(() => undefined);
    expect(times).toBe(1);
    const [effect] = await one.store.listEffects({ scope: SCOPE });
    expect(effect?.status).toBe("settled");
    const words = effect === undefined ? "" : recordedResult(effect, "call", "test");
    expect(ToolMessage.isInstance(words) && words.text).toContain("not for paper");
  });
});
