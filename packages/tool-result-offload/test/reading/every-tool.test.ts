import { expect, test } from "vitest";

import { openReading } from "../../src/reading/context.ts";
import type { ReadingContext } from "../../src/reading/context.ts";
import { resolveReadingLimits } from "../../src/reading/limits.ts";
import type { ReadingLimits } from "../../src/reading/limits.ts";
import { queryResult } from "../../src/reading/query/query-result.ts";
import { readResult } from "../../src/reading/read-result.ts";
import { searchResult } from "../../src/reading/search/search-result.ts";
import { keeping, owner } from "../support/reading.ts";

const everyTool = [
  ["reading", (context: ReadingContext, handle: string) => readResult(context, { handle })],
  [
    "searching",
    (context: ReadingContext, handle: string) => searchResult(context, { handle, pattern: "a" }),
  ],
  [
    "querying",
    (context: ReadingContext, handle: string) => queryResult(context, { handle, query: "size()" }),
  ],
] as const;

test.each(everyTool)("answers a wrong handle with a code when %s", async (_, use) => {
  const { context, handle, store } = await keeping("[1]");
  const stranger = { ...context, owner: { scope: "acme", threadId: "2" } };
  const elsewhere = { ...context, owner: { scope: "globex", threadId: "1" } };
  expect(await use(stranger, handle)).toMatchObject({ status: "error", code: "handle-foreign" });
  expect(await use(elsewhere, handle)).toMatchObject({ code: "handle-foreign" });
  expect(await use(context, "res_00000000000000000000")).toMatchObject({ code: "handle-foreign" });
  expect(await use(context, "the log")).toMatchObject({ code: "handle-malformed" });
  expect((await use(context, `"${handle}".`)).status).toBe("success");
  await store.removeResult(owner, handle);
  expect(await use(context, handle)).toMatchObject({ code: "result-gone" });
});

test.each(everyTool)("answers a store that is down or slow with a code when %s", async (_, use) => {
  const { store, handle } = await keeping("[1]");
  const failing = (operation: () => Promise<never>): ReadingContext =>
    openReading({
      store: { ...store, findResult: operation, readResult: operation },
      owner,
      storeTimeoutMs: 50,
    });
  const down = failing(() => Promise.reject(new Error("connect ECONNREFUSED")));
  expect(await use(down, handle)).toMatchObject({
    code: "store-unavailable",
    text: expect.stringContaining("ECONNREFUSED"),
  });
  const slow = failing(() => new Promise(() => undefined));
  expect(await use(slow, handle)).toMatchObject({ code: "store-timeout" });
});

test.each(everyTool)("passes an abort on as it is when %s", async (_, use) => {
  const { store, handle } = await keeping("[1]");
  const reason = new Error("the caller left");
  const aborted = openReading({ store, owner, signal: AbortSignal.abort(reason) });
  await expect(use(aborted, handle)).rejects.toBe(reason);
});

test.each([
  [{ maxTokens: 0 }, /maxTokens must be a number from 20/],
  [{ queryTimeoutMs: Number.NaN }, /queryTimeoutMs/],
  [{ maxToken: 5 }, /no limit maxToken; there are maxTokens/],
])("refuses the limits %o", (limits, message) => {
  expect(() => resolveReadingLimits(limits as ReadingLimits)).toThrow(message);
});
