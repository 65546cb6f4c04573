import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { expect } from "vitest";

import { openReading } from "../../src/reading/context.ts";
import type { ReadingAnswer, ReadingContext } from "../../src/reading/context.ts";
import type { ReadingLimits } from "../../src/reading/limits.ts";
import { loadTokenCounter } from "../../src/threshold/token-counter.ts";
import { quotedIn } from "./quoted.ts";

export const counter = await loadTokenCounter();
export const owner = { scope: "acme", threadId: "1" };

/** A content that is kept, and what reads it. */
export async function keeping(
  content: string | Uint8Array,
  limits: ReadingLimits = {},
): Promise<{ context: ReadingContext; handle: string; store: ResultStore }> {
  const store = memoryStore();
  const context = openReading({ store, owner, counter, limits });
  const { handle } = await context.results.put(owner, content);
  return { context, handle, store };
}

/** What an answer quotes of a result. */
export function quoted(answer: ReadingAnswer): string {
  return quotedIn(answer.text);
}

/** Follows the pages of a reading tool to the end. */
export async function allPages(
  first: ReadingAnswer,
  turn: (next: object) => Promise<ReadingAnswer>,
): Promise<ReadingAnswer[]> {
  const pages = [first];
  for (let page = first; page.details["next"] !== null; pages.push(page)) {
    page = await turn(page.details["next"] as object);
    expect(page.status).toBe("success");
    expect(pages.length).toBeLessThan(2_000);
  }
  return pages;
}

/** Three thousand lines, an error in every five hundredth. */
export const lines = Array.from(
  { length: 3_000 },
  (_, index) => `line ${index + 1} ${index % 500 === 7 ? "ERROR boom" : "fine"}`,
);

/** An export of five thousand orders. */
export const orders = {
  items: Array.from({ length: 5_000 }, (_, id) => ({
    id,
    total: id % 100,
    region: id % 2 ? "north" : "south",
  })),
};
