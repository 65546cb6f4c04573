import type { ModelRequest } from "@evenkeel/core";
import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { AIMessageFields } from "@langchain/core/messages";
import { describe, expect, test } from "vitest";

import { answeringRequest, withoutCalls } from "../src/budget/last-answer.ts";
import type { Use } from "../src/budget/limits.ts";
import { hideTools } from "../src/hide-tools.ts";

const use: Use = {
  limit: "perExecution.tokens",
  scope: "perExecution",
  kind: "tokens",
  tool: null,
  spent: 120,
  allowed: 100,
};
const [search, mail] = ["search", "mail"].map((name) => ({ name })) as [object, object];
const request = (fields: Partial<ModelRequest> = {}): ModelRequest => ({
  model: { model: "gpt-5.2", _llmType: () => "openai" },
  systemMessage: new SystemMessage("Help."),
  messages: [new HumanMessage("Where is it?")],
  tools: [search, mail],
  state: {},
  runtime: {},
  ...fields,
});
const calling = (...names: string[]): AIMessage =>
  new AIMessage({
    id: "answer",
    content: "Let me look.",
    tool_calls: names.map((name, index) => ({ name, args: {}, id: `call-${index}` })),
    usage_metadata: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  } as AIMessageFields);

describe("the request for a last answer", () => {
  test("has no tools and no setting of any", () => {
    const given = request({
      toolChoice: "any",
      modelSettings: { parallel_tool_calls: false, temperature: 0 },
    });
    const last = answeringRequest(given, use);
    expect(last.tools).toEqual([]);
    expect("toolChoice" in last).toBe(false);
    expect(last.modelSettings).toEqual({ temperature: 0 });
    expect(last.messages).toHaveLength(2);
    expect(given.messages).toHaveLength(1);
  });

  test.each(["anthropic", "amazon_bedrock"])(
    "keeps the tools for %s, which refuses a history of calls without them",
    (provider) => {
      const model = { getLsParams: () => ({ ls_provider: provider }) };
      expect(answeringRequest(request({ model }), use)).toMatchObject({
        tools: [search, mail],
        toolChoice: "none",
      });
    },
  );
});

describe("a last answer", () => {
  test("that calls tools it does not have loses the calls, and keeps what it says", () => {
    const answer = withoutCalls(calling("search"), request(), use) as AIMessage;
    expect(answer).toMatchObject({ id: "answer", content: "Let me look.", tool_calls: [] });
    expect(answer.usage_metadata).toMatchObject({ total_tokens: 2 });
  });

  test("that only calls tools says why there is no more", () => {
    const silent = new AIMessage({
      content: [{ type: "tool_use", id: "call-0", name: "search", input: {} }],
      tool_calls: [{ name: "search", args: {}, id: "call-0" }],
    });
    const answer = withoutCalls(silent, request(), use) as AIMessage;
    expect(answer.text).toContain("tokens: 120 of 100");
    expect(answer.tool_calls).toEqual([]);
  });

  test("keeps the call of a structured response", () => {
    const answer = calling("extract-1");
    expect(withoutCalls(answer, request({ responseFormat: {} }), use)).toBe(answer);
  });

  test("without calls is the same message", () => {
    const answer = new AIMessage("It is here.");
    expect(withoutCalls(answer, request(), use)).toBe(answer);
  });
});

describe("hiding tools", () => {
  test("leaves a request that has none of them as it is", () => {
    const given = request();
    expect(hideTools(given, new Set(["other"]))).toBe(given);
    expect(hideTools(given, new Set())).toBe(given);
  });

  test.each<[string, unknown, boolean]>([
    ["any tool", "any", true],
    ["another tool", { type: "function", function: { name: "mail" } }, true],
    [
      "the hidden tool, as OpenAI has it",
      { type: "function", function: { name: "search" } },
      false,
    ],
    ["the hidden tool, as Anthropic has it", { type: "tool", name: "search" }, false],
    ["the hidden tool, by name", "search", false],
  ])("keeps a choice of %s only where it can be met", (_title, toolChoice, kept) => {
    const shown = hideTools(request({ toolChoice }), new Set(["search"]));
    expect(shown.tools).toEqual([mail]);
    expect("toolChoice" in shown).toBe(kept);
  });

  test("of all tools leaves no choice and no setting of tools", () => {
    const given = request({ toolChoice: "any", modelSettings: { parallel_tool_calls: true } });
    const shown = hideTools(given, new Set(["search", "mail"]));
    expect(shown).toMatchObject({ tools: [], modelSettings: {} });
    expect("toolChoice" in shown).toBe(false);
  });
});
