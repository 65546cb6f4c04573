import { expect, test } from "vitest";

import { toolResultOffloadMiddleware } from "../src/index.ts";

test.each([
  ["an unknown option", { maxToken: 5 }, /option "maxToken": 5 came; allowed is one of store,/],
  ["no object", 7, /option "options": 7 came/],
  ["no tokens", { maxTokens: 0 }, /"maxTokens": 0 came; allowed is a finite number of at least 1/],
  ["endless bytes", { maxBytes: Infinity }, /"maxBytes": Infinity came/],
  ["a driver for a store", { store: { writer() {} } }, /"store": an object with writer came/],
  ["a counter without a name", { tokenCounter: { count() {} } }, /"tokenCounter": an object/],
  ["thresholds of a tool", { perTool: { grep: { maxTokens: "5" } } }, /"perTool": an object/],
  ["a preview too small to say anything", { preview: { maxTokens: 3 } }, /at least 20/],
  ["a time to live below zero", { ttlMs: -1 }, /ttlMs must be a whole number/],
  ["half a byte", { maxTotalBytes: 1.5 }, /maxTotalBytes must be a whole number/],
  ["two tools of one name", { tools: { read: "look", search: "look" } }, /"tools": an object/],
  ["a tool name with a space", { tools: { read: "look at" } }, /"tools": an object/],
  ["an unknown reading limit", { tools: { limits: { tokens: 5 } } }, /no limit tokens/],
  ["a word for a flag", { preserveErrors: "yes" }, /"preserveErrors": "yes" came/],
  ["references that are no lists", { refArguments: { grep: "text" } }, /"refArguments": an object/],
  ["an unknown mode", { mode: "watch" }, /"enforce", "observe" or "off"/],
  ["an empty name", { name: "" }, /"name": "" came/],
])("refuses %s by name", (_, options, message) => {
  const make = (): unknown => toolResultOffloadMiddleware(options as object);
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ code: "invalid-options" }));
});

test("records its options as JSON and no store among them", () => {
  const middleware = toolResultOffloadMiddleware({ maxTokens: 500, perTool: { grep: false } });
  expect(middleware["~evenkeel"].recordedOptions).toMatchObject({
    thresholds: { maxTokens: 500, maxBytes: 32_768 },
    perTool: { grep: false },
    tools: { read: "read_tool_result", search: "search_tool_result", query: "query_tool_result" },
  });
  expect(middleware["~evenkeel"].recordedOptions).not.toHaveProperty("store");
});
