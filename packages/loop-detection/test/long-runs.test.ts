import fc from "fast-check";
import { expect, test } from "vitest";

import { longRuns } from "../src/answers/long-runs.ts";

const pieces = fc.constantFrom(
  ...Array.from("0123456789abcdefABCDEFgzG-_ .\n<", (character) => character),
  "0a1b2c3d",
  "µ",
);
const texts = fc.array(pieces, { maxLength: 80 }).map((parts) => parts.join(""));

test("finds every run that a mask could match, wherever it begins", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(longRuns(text)).toEqual({
        uuid: /[0-9a-f]{8}-/i.test(text),
        epoch: /\d{10}/.test(text),
        hash: (text.match(/[0-9a-f]{12,}/gi) ?? []).some((run) => /\d/.test(run) && /\D/.test(run)),
      });
    }),
    { numRuns: 2_000 },
  );
});

test("reads on after a run that is longer than any id", () => {
  const text = `${"9".repeat(5_003)} ab12cd34ef56 `;
  expect(longRuns(text)).toEqual({ uuid: false, epoch: true, hash: true });
});
