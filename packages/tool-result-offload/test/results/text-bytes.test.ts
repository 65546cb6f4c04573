import * as fc from "fast-check";
import { expect, test } from "vitest";

import { decodeStrict, decodeText, encodeText } from "../../src/results/text-bytes.ts";

const encoded = (text: string): Buffer => Buffer.concat([...encodeText(text)]);
const anyString = fc.string({ unit: "binary" });
const withSurrogates = fc
  .array(
    fc.oneof(
      anyString,
      fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
    ),
  )
  .map((parts) => parts.join(""));

test("brings every string back, lone surrogates included", () => {
  fc.assert(
    fc.property(withSurrogates, (text) => {
      expect(decodeText(encoded(text)) === text).toBe(true);
    }),
  );
});

test("is plain UTF-8 wherever UTF-8 can be", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(encoded(text).equals(Buffer.from(text))).toBe(true);
    }),
  );
});

test("splits no pair where its pieces meet", () => {
  for (const before of [16_382, 16_383, 16_384]) {
    const text = `${"a".repeat(before)}😀${"b".repeat(20_000)}\ud83d`;
    expect(decodeText(encoded(text)) === text).toBe(true);
  }
});

test("keeps a byte order mark", () => {
  expect(decodeStrict(Buffer.from("\ufeffa"))).toBe("\ufeffa");
  expect(decodeStrict(Uint8Array.of(0xff, 0x41))).toBeUndefined();
});
