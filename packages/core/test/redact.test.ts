import { AIMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";

import { redact } from "../src/redact/redact.ts";

const secret = ["sk", "proj", "a1b2c3d4e5f6a1b2c3d4e5f6"].join("-");

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach((member) => deepFreeze(member));
    Object.freeze(value);
  }
  return value;
}

function named(): void {}

class Point {
  x = 1;
  password = "hunter22";
}

function failing(): Error {
  const cause = new Error(`connect failed for postgres://u:pw@db/x`);
  return Object.assign(new TypeError(`no ${secret}`, { cause }), {
    status: 401,
    headers: new Headers({ authorization: "Bearer abc" }),
  });
}

describe("redact", () => {
  it.each<[string, unknown, unknown]>([
    [
      "masks by key, at any depth",
      { a: [{ apiKey: "x", b: 1 }] },
      { a: [{ apiKey: "[redacted]", b: 1 }] },
    ],
    [
      "masks a whole object under a secret key",
      { credentials: { user: "u", p: 1 } },
      { credentials: "[redacted]" },
    ],
    ["masks a number under a secret key", { password: 1234 }, { password: "[redacted]" }],
    [
      "shows that a secret is missing, empty or a flag",
      { password: null, token: "", secret: true },
      { password: null, token: "", secret: true },
    ],
    [
      "masks by the form of the text",
      { note: `use ${secret} now` },
      { note: "use [redacted] now" },
    ],
    ["masks a secret used as a key", { [secret]: 1 }, { "[redacted]": 1 }],
    [
      "masks JSON inside a string",
      { arguments: '{"password":"hunter22"}' },
      { arguments: '{"password":"[redacted]"}' },
    ],
    [
      "masks a header written as name and value",
      [{ name: "Authorization", value: "abc" }],
      [{ name: "Authorization", value: "[redacted]" }],
    ],
    [
      "leaves limits and ids",
      { max_tokens: 5, tokenCount: 7, thread_id: "t" },
      { max_tokens: 5, tokenCount: 7, thread_id: "t" },
    ],
    [
      "writes a Map with string keys as an object",
      new Map([
        ["token", "x"],
        ["a", "y"],
      ]),
      { token: "[redacted]", a: "y" },
    ],
    ["writes another Map as pairs", new Map([[1, "x"]]), [[1, "x"]]],
    ["writes a Set as a list", new Set([1, "x"]), [1, "x"]],
    [
      "writes Headers as an object",
      new Headers({ Cookie: "a=b", host: "x" }),
      { cookie: "[redacted]", host: "x" },
    ],
    [
      "writes dates",
      [new Date(0), new Date(Number.NaN)],
      ["1970-01-01T00:00:00.000Z", "[invalid date]"],
    ],
    [
      "writes a URL without its password",
      new URL("https://u:pw@x.example/"),
      "https://u:[redacted]@x.example/",
    ],
    [
      "writes what JSON lacks",
      [undefined, Number.NaN, 12n, Symbol("s"), /x/g, named, () => 1],
      [null, "NaN", "12", "Symbol(s)", "/x/g", "[function named]", "[function anonymous]"],
    ],
    ["leaves out undefined members", { a: undefined, b: 1 }, { b: 1 }],
    [
      "names bytes by their size",
      [Buffer.from("secret"), new ArrayBuffer(3)],
      ["[binary, 6 bytes]", "[binary, 3 bytes]"],
    ],
    ["names what shows nothing", [Promise.resolve(1), new WeakMap()], ["[Promise]", "[WeakMap]"]],
    ["writes an instance by its members", new Point(), { x: 1, password: "[redacted]" }],
    [
      "keeps a key named __proto__ a key",
      JSON.parse('{"__proto__":{"a":1}}'),
      JSON.parse('{"__proto__":{"a":1}}'),
    ],
    ["makes a lone surrogate well-formed", "a\ud800b", "a\ufffdb"],
  ])("%s", (_title, value, expected) => {
    expect(redact(value)).toEqual(expected);
    expect(redact(redact(value))).toEqual(expected);
  });

  it("writes an error with its cause and facts, without stack and without secrets", () => {
    expect(redact(failing())).toEqual({
      name: "TypeError",
      message: "no [redacted]",
      status: 401,
      headers: { authorization: "[redacted]" },
      cause: { name: "Error", message: "connect failed for postgres://u:[redacted]@db/x" },
    });
  });

  it("writes every error of an AggregateError", () => {
    const both = new AggregateError([new Error("one"), "two"], "both");
    expect(redact(both)).toEqual({
      name: "AggregateError",
      message: "both",
      errors: [{ name: "Error", message: "one" }, "two"],
    });
  });

  it("marks cycles, of objects and of causes", () => {
    const value: Record<string, unknown> = { a: 1 };
    value["self"] = value;
    const error = new Error("x");
    error.cause = error;
    expect(redact(value)).toEqual({ a: 1, self: "[circular]" });
    expect(redact(error)).toEqual({ name: "Error", message: "x", cause: "[circular]" });
  });

  it("survives getters, proxies and toJSON that throw", () => {
    const throwing = {
      get a(): never {
        throw new Error("no");
      },
    };
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    const json = {
      toJSON: () => {
        throw new Error("no");
      },
    };
    expect(redact({ throwing, trap, json, fine: 1 })).toEqual({
      throwing: "[unreadable]",
      trap: "[unreadable]",
      json: "[unreadable]",
      fine: 1,
    });
  });

  it("masks in a LangChain message", () => {
    const message = new AIMessage({
      content: `key ${secret}`,
      tool_calls: [{ id: "1", name: "login", args: { password: "hunter22", user: "u" } }],
    });
    const text = JSON.stringify(redact(message));
    expect(text).toContain('"user":"u"');
    expect(text).not.toMatch(/hunter22|a1b2c3/);
  });

  it("cuts a huge string, says how long it was, and shows no half of a secret", () => {
    const text = `${"x ".repeat(990)}${secret.repeat(5)} ${"y".repeat(10_000_000)}`;
    const cut = JSON.stringify(redact(text));
    expect(cut).toMatch(/^"x x .*x \[redacted\] y+… \[\d+ characters in all\]"$/);
    expect(cut).toContain(`[${text.length} characters in all]`);
    expect(cut.length).toBeLessThan(2_100);
    expect(cut).not.toContain("sk-");
  });

  it("shows nothing of a secret that lies across the end of what is looked at", () => {
    const text = `${"sk-1".padEnd(18_380, "a")} ${secret}${"z".repeat(1_000_000)}`;
    expect(redact(text)).toBe(`[redacted] … [${text.length} characters in all]`);
  });

  it.each([
    [
      "members of a list",
      Array.from({ length: 1000 }, (_, index) => index),
      { maxMembers: 2 },
      [0, 1, "[998 more]"],
    ],
    ["members of an object", { a: 1, b: 2, c: 3 }, { maxMembers: 2 }, { a: 1, b: 2, "[more]": 1 }],
    [
      "levels",
      { a: { b: { c: 1 }, d: [1, 2] } },
      { maxDepth: 2 },
      { a: { b: "[object]", d: "[array of 2]" } },
    ],
    ["values in all", [[1], [2], [3]], { maxValues: 5 }, [[1], [2], "[cut]"]],
    [
      "characters in all",
      ["abc", "def"],
      { maxCharacters: 4 },
      ["abc", "d… [3 characters in all]"],
    ],
  ])("bounds %s", (_title, value, options, expected) => {
    expect(redact(value, options)).toEqual(expected);
  });

  it("stays bounded on nesting 100,000 deep and on shared objects that double at each level", () => {
    let deep: unknown = 1;
    let wide: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    for (let level = 0; level < 50; level += 1) wide = [wide, wide];
    expect(JSON.stringify(redact(deep, { maxDepth: 1_000_000 })).length).toBeLessThan(300);
    expect(JSON.stringify(redact(wide, { maxDepth: 100 })).length).toBeLessThan(200_000);
  });

  it("takes further secret names", () => {
    expect(redact({ pesel: "1", a: 2 }, { isSecret: (key) => key === "pesel" })).toEqual({
      pesel: "[redacted]",
      a: 2,
    });
  });

  it("changes nothing it is given", () => {
    const value = deepFreeze({ password: "x", list: [{ token: "y" }] });
    expect(redact(value)).toEqual({ password: "[redacted]", list: [{ token: "[redacted]" }] });
    expect(value).toEqual({ password: "x", list: [{ token: "y" }] });
  });
});
