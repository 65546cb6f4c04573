import * as fc from "fast-check";
import { expect, test } from "vitest";

import { decodeContent, encodeContent } from "../../src/results/content-codec.ts";
import { encodeText } from "../../src/results/text-bytes.ts";

function roundTrip(value: unknown): unknown {
  const { shape, source } = encodeContent(value);
  const bytes = typeof source === "string" ? Buffer.concat([...encodeText(source)]) : source;
  return decodeContent(bytes, JSON.parse(JSON.stringify(shape)));
}

test.each([
  ["a text", "plain\r\n\ud800 text\0"],
  ["bytes", Uint8Array.of(0, 255, 10)],
  ["one block of text", [{ type: "text", text: "one\ntwo" }]],
  [
    "blocks of text",
    [
      { type: "text", text: "a\n" },
      { type: "text", text: "" },
      { type: "text", text: "b" },
    ],
  ],
  [
    "an image beside a text",
    [
      { type: "text", text: "see" },
      { type: "image", data: Uint8Array.of(1, 2) },
    ],
  ],
  ["a block with more keys", [{ type: "text", text: "a", annotations: [] }]],
  ["a block with its keys the other way round", [{ text: "a", type: "text" }]],
  ["no blocks", []],
  ["an object", { rows: [1, null, true, "x"], deep: { a: [] } }],
])("brings back %s", (_, value) => {
  expect(roundTrip(value)).toStrictEqual(value);
});

test("keeps blocks of text readable by lines", () => {
  const { source } = encodeContent([
    { type: "text", text: "a\nb" },
    { type: "text", text: "c" },
  ]);
  expect(source).toBe("a\nb\nc");
});

test("brings back any JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      // JSON itself has no minus zero.
      fc.pre(
        !JSON.stringify(value, (_, item) => (Object.is(item, -0) ? "minus zero" : item)).includes(
          "minus zero",
        ),
      );
      expect(roundTrip(value)).toStrictEqual(value);
    }),
  );
});

test.each([
  ["a date", new Date(0)],
  ["a map", { map: new Map() }],
  ["not a number", [Number.NaN]],
  ["a big integer", [1n]],
  ["a function", () => 1],
  ["undefined", undefined],
  ["a key of ours", { "$evenkeel:bytes": "AA==" }],
])("refuses %s, which JSON would change", (_, value) => {
  expect(() => encodeContent(value)).toThrow(expect.objectContaining({ code: "not-storable" }));
});

test("refuses a cycle and a depth no checkpoint could hold", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  for (const value of [cycle, deep]) {
    expect(() => encodeContent(value)).toThrow(expect.objectContaining({ code: "not-storable" }));
  }
});
