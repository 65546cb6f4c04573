import { describe, expect, test } from "vitest";

import * as door from "../src/index.ts";
import { configFreezeMiddleware } from "../src/index.ts";

const invalid = (options: unknown): (() => unknown) => {
  return () => configFreezeMiddleware(options as never);
};

describe("configFreezeMiddleware refuses at construction", () => {
  test.each<[string, unknown, string, string]>([
    ["options", null, "null", "an object"],
    ["options", "frozen", '"frozen"', "an object"],
    ["options", [], "a list", "an object"],
    ["confg", { confg: {} }, "an empty object", "one of config, include, onDrift"],
    ["toString", { toString: 1 }, "1", "one of config"],
    [
      "config",
      { config: { tone: "kind" } },
      "an object with tone",
      "a function or a Standard Schema",
    ],
    ["config", { config: { "~standard": {} } }, "an object with ~standard", "a Standard Schema"],
    ["include", { include: ["plan"] }, "a list", "{ context?, configurable? }"],
    ["include", { include: { contxt: [] } }, "an object with contxt", "a list of key names"],
    ["include", { include: { context: "plan" } }, "an object with context", "a list of key names"],
    ["include", { include: { context: [1] } }, "an object with context", "a list of key names"],
    ["include", { include: { configurable: ["thread_id"] } }, "an object", "key names"],
    ["include", { include: { configurable: ["checkpoint_id"] } }, "an object", "key names"],
    ["include", { include: { configurable: ["langgraph_auth_user"] } }, "an object", "key names"],
    ["onDrift", { onDrift: "ignore" }, '"ignore"', '"use-frozen", "warn", "error" or a function'],
    ["onDrift", { onDrift: true }, "true", "a function"],
    ["resolveModel", { resolveModel: {} }, "an empty object", "a function"],
    ["tools", { tools: [] }, "a list", "an object of tools"],
    ["tools", { tools: { refund: "refund" } }, "an object with refund", "functions that give one"],
    ["revoke", { revoke: { tools: "refund" } }, "an object with tools", "each a list of names"],
    ["revoke", { revoke: { prompts: [] } }, "an object with prompts", "{ tools?, models?"],
    ["revoke", { revoke: null }, "null", "a function that gives it"],
    ["pinModelAlias", { pinModelAlias: "yes" }, '"yes"', "true or false"],
    ["durability", { durability: "async" }, '"async"', '"sync" or "inherit"'],
    ["store", { store: {} }, "an empty object", "a ManifestStore"],
    ["store", { store: { putManifest: 1, getManifest: 2 } }, "an object", "a ManifestStore"],
    ["mode", { mode: "shadow" }, '"shadow"', '"enforce", "observe" or "off"'],
    ["name", { name: "" }, '""', "a non-empty string"],
    ["name", { name: 7 }, "7", "a non-empty string"],
  ])("%s: %j, saying what came and what is allowed", (option, options, came, allowed) => {
    let thrown: unknown;
    try {
      invalid(options)();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: "invalid-options",
      middleware: "configFreezeMiddleware",
      details: { option },
    });
    const { message } = thrown as Error;
    expect(message).toContain(`"${option}": ${came}`);
    expect(message).toContain(allowed);
  });

  test("without repeating a value that may be a secret", () => {
    const secret = { apiKey: "sk-abcdefgh" };
    expect(invalid({ store: secret })).toThrow(/an object with apiKey/);
    expect(invalid({ store: secret })).not.toThrow(/abcdefgh/);
    expect(invalid({ onDrift: "x".repeat(100) })).toThrow(/a long text/);
  });
});

describe("configFreezeMiddleware takes", () => {
  test("no options, and every option as undefined", () => {
    const keys = ["config", "include", "onDrift", "resolveModel", "tools", "revoke", "store"];
    const empty = Object.fromEntries([...keys, "mode", "name"].map((key) => [key, undefined]));
    expect(configFreezeMiddleware().name).toBe("configFreezeMiddleware");
    expect(configFreezeMiddleware(empty as never).name).toBe("configFreezeMiddleware");
  });

  test("another name", () => {
    expect(configFreezeMiddleware({ name: "freeze" }).name).toBe("freeze");
  });
});

test("the package exports these names and no other", () => {
  expect(Object.keys(door).toSorted()).toEqual([
    "ConfigFreezeError",
    "configFreezeMiddleware",
    "upgradeExecution",
  ]);
});
