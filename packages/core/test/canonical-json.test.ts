import { HumanMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";

import { EvenkeelError } from "../src/errors.ts";
import { canonicalJson, hashJson, sha256 } from "../src/store/canonical-json.ts";

function refusal(value: unknown): EvenkeelError {
  try {
    canonicalJson(value);
  } catch (error) {
    if (EvenkeelError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("the value was accepted");
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

const cyclicObject: Record<string, unknown> = { a: 1 };
cyclicObject["self"] = cyclicObject;
const cyclicArray: unknown[] = [];
cyclicArray.push([cyclicArray]);
class Renews {
  toJSON(): Renews {
    return new Renews();
  }
}
const shared = { x: 1 };

describe("canonicalJson", () => {
  it.each([
    [
      "sorts keys by UTF-16 code units",
      { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 },
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    ],
    [
      "writes numbers as ECMAScript does",
      [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0],
      "[333333333.3333333,1e+30,4.5,0.002,1e-27,0]",
    ],
    ["leaves out members that are undefined", { a: undefined, b: 1 }, '{"b":1}'],
    ["writes undefined in an array as null", [undefined, 1], "[null,1]"],
    ["writes a date through its toJSON", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [
      "keeps a key named __proto__",
      JSON.parse('{"__proto__":{"a":1},"b":2}'),
      '{"__proto__":{"a":1},"b":2}',
    ],
    ["keeps a control character and NUL escaped", "\u0000\u001f", '"\\u0000\\u001f"'],
    ["takes one object in two places", [shared, shared], '[{"x":1},{"x":1}]'],
    ["takes a bare string", "a", '"a"'],
    ["takes null", null, "null"],
    [
      "takes an object without a prototype",
      Object.assign(Object.create(null), { b: 1, a: 2 }),
      '{"a":2,"b":1}',
    ],
  ])("%s", (_title, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it.each<[string, unknown, string, string]>([
    ["NaN", { a: [1, Number.NaN] }, "$.a[1]", "NaN"],
    ["Infinity", { limit: Number.POSITIVE_INFINITY }, "$.limit", "Infinity"],
    ["a bigint", { id: 1n }, "$.id", "bigint"],
    ["a function", { tools: [{ "odd key": () => 1 }] }, '$.tools[0]["odd key"]', "function"],
    ["a symbol", [Symbol("x")], "$[0]", "symbol"],
    ["undefined as the whole value", undefined, "$", "undefined"],
    ["an object that holds itself", cyclicObject, "$.self", "circular"],
    ["an array that holds itself", cyclicArray, "$[0][0]", "circular"],
    ["a lone surrogate in a value", { text: "a\ud800" }, "$.text", "lone surrogate"],
    ["a lone surrogate in a key", { "\udc00": 1 }, '$["\\udc00"]', "lone surrogate"],
    ["a Map, which JSON would write as {}", { m: new Map([["a", 1]]) }, "$.m", "Map"],
    ["a Set", new Set([1]), "$", "Set"],
    ["an Error, which JSON would write as {}", { e: new Error("x") }, "$.e", "Error"],
    ["bytes", { b: new Uint8Array(2) }, "$.b", "Uint8Array"],
    ["a regular expression", { r: /x/ }, "$.r", "RegExp"],
    ["a boxed string", { s: Object("x") }, "$.s", "String"],
    [
      "a getter that throws",
      {
        get a() {
          throw new Error("no");
        },
      },
      "$",
      "unreadable",
    ],
  ])("refuses %s and names the path", (_title, value, path, what) => {
    const error = refusal(value);
    expect(error.code).toBe("not-canonical-json");
    expect(error.details?.["path"]).toBe(path);
    expect(error.message).toContain(path);
    expect(error.details?.["what"]).toContain(what);
  });

  it("keeps what a getter threw as the cause", () => {
    const thrown = new Error("no");
    const error = refusal({
      get a() {
        throw thrown;
      },
    });
    expect(error.cause).toBe(thrown);
  });

  it.each([
    ["arrays 100,000 deep", nested(100_000)],
    ["a toJSON that never ends", new Renews()],
  ])("refuses %s instead of overflowing the stack", (_title, value) => {
    const error = refusal(value);
    expect(error.code).toBe("not-canonical-json");
    expect(error.details?.["what"]).toContain("nested deeper than 500");
    expect(error.message.length).toBeLessThan(400);
  });

  it("takes 500 levels and refuses 501", () => {
    expect(canonicalJson(nested(500))).toBe(`${"[".repeat(500)}1${"]".repeat(500)}`);
    expect(refusal(nested(501)).code).toBe("not-canonical-json");
  });

  it("asks a getter once, so that what is checked is what is written", () => {
    let asked = 0;
    const value = {
      get a() {
        asked += 1;
        return asked === 1 ? 1 : Number.NaN;
      },
    };
    expect(canonicalJson(value)).toBe('{"a":1}');
  });

  it("leaves a frozen value as it was", () => {
    const value = Object.freeze({ b: Object.freeze([2, 1]), a: 1 });
    expect(canonicalJson(value)).toBe('{"a":1,"b":[2,1]}');
  });

  it("writes a LangChain message", () => {
    const parsed = JSON.parse(canonicalJson(new HumanMessage({ content: "hi", id: "1" })));
    expect(parsed).toMatchObject({ kwargs: { content: "hi", id: "1" }, type: "constructor" });
  });
});

describe("sha256 and hashJson", () => {
  it.each([
    ["the empty text", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "bytes",
      new Uint8Array([0x61, 0x62, 0x63]),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ],
  ])("hashes %s", (_title, content, hash) => {
    expect(sha256(content)).toBe(hash);
  });

  it("meets for equal values whatever the order of their keys, and parts for others", () => {
    expect(hashJson({ a: 1, b: [1, 2] })).toBe(hashJson({ b: [1, 2], a: 1 }));
    expect(hashJson({ a: 1 })).not.toBe(hashJson({ a: "1" }));
    expect(hashJson([1, 2])).not.toBe(hashJson([2, 1]));
  });
});
