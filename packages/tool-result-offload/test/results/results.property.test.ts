import { memoryStore } from "@evenkeel/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { openReading } from "../../src/reading/context.ts";
import { readResult } from "../../src/reading/read-result.ts";
import { CHUNK_BYTES } from "../../src/results/chunk.ts";
import { openResults } from "../../src/results/results.ts";
import { quotedIn } from "../support/quoted.ts";

const owner = { scope: "s", threadId: "t" };

// Small alphabets make line feeds, cut characters and repetition likely; the sizes cross chunk edges.
const content = fc
  .tuple(
    fc.array(fc.oneof(fc.constantFrom(10, 10, 97, 0xc3, 0xa9, 0xff, 0), fc.nat(255)), {
      minLength: 1,
      maxLength: 600,
    }),
    fc.constantFrom(1, 7, 200, 400),
    fc.nat(3),
  )
  .map(([pattern, times, extra]) =>
    Uint8Array.from([
      ...Array.from({ length: times }, () => pattern).flat(),
      ...pattern.slice(0, extra),
    ]),
  );

const pieceSizes = fc.array(fc.integer({ min: 1, max: 2 * CHUNK_BYTES }), {
  minLength: 1,
  maxLength: 6,
});

async function* cutInto(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test("whatever is stored, in whatever pieces, any sequence of reads gives the original", async () => {
  await fc.assert(
    fc.asyncProperty(
      content,
      pieceSizes,
      fc.array(
        fc.tuple(
          fc.double({ min: 0, max: 1.1, noNaN: true }),
          fc.integer({ min: 0, max: 3 * CHUNK_BYTES }),
        ),
        { maxLength: 8 },
      ),
      fc.array(
        fc.tuple(fc.double({ min: 0, max: 1.1, noNaN: true }), fc.integer({ min: 1, max: 50 })),
        { maxLength: 5 },
      ),
      async (bytes, sizes, slices, lineSlices) => {
        const results = openResults(memoryStore());
        const { handle, lines, size } = await results.put(owner, cutInto(bytes, sizes));
        expect(size).toBe(bytes.length);
        expect((await results.put(owner, bytes)).handle).toBe(handle);
        for (const [share, length] of slices) {
          const offset = Math.floor(share * bytes.length);
          const slice = await results.read(owner, handle, { offset, length });
          const wanted = bytes.subarray(offset, offset + length);
          expect(Buffer.compare(slice?.bytes ?? new Uint8Array(), wanted)).toBe(0);
        }
        const starts = [0];
        bytes.forEach((byte, at) => byte === 10 && starts.push(at + 1));
        expect(lines).toBe(starts.filter((start) => start < bytes.length).length);
        for (const [share, count] of lineSlices) {
          const line = Math.floor(share * lines) + 1;
          const slice = await results.read(owner, handle, {
            line,
            lines: count,
            maxBytes: 10_000_000,
          });
          const wanted = bytes.subarray(
            starts[line - 1] ?? bytes.length,
            starts[line - 1 + count] ?? bytes.length,
          );
          expect(Buffer.compare(slice?.bytes ?? new Uint8Array(), wanted)).toBe(0);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("the pages of the reading tool, one behind the other, are the original", async () => {
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.integer({ min: 20, max: 3_000 }),
      fc.boolean(),
      async (bytes, maxTokens, byLine) => {
        const limits = { maxTokens: Math.max(maxTokens, Math.ceil(bytes.length / 100)) };
        const context = openReading({ store: memoryStore(), owner, limits });
        const { handle } = await context.results.put(owner, bytes);
        const parts: Buffer[] = [];
        for (let next: object | null = byLine ? {} : { offset: 0 }; next !== null;) {
          const { text, details } = await readResult(context, { handle, ...next });
          parts.push(Buffer.from(quotedIn(text), details["encoding"] as "utf-8"));
          next = details["next"] as object | null;
        }
        expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});
