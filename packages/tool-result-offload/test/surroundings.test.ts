import { memoryStore } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { describe, expect, test } from "vitest";

import { KINDS, answering, calls, handleIn, report, shop } from "./support/shop.ts";
import type { ShopParts } from "./support/shop.ts";

const LOG = report(40_000);
const fetchLog = answering("fetch_log", () => LOG);
const done = { content: "Done." };
const turns = [calls({ name: "fetch_log" }), done];

describe.each(KINDS)("in a $name", (kind) => {
  test("adds no checkpoint and takes most bytes out of those there are", async () => {
    const [bare, kept] = [
      await measured({ kind, tools: [fetchLog], turns, bare: true }),
      await measured({ kind, tools: [fetchLog], turns }),
    ];
    expect(kept.checkpoints).toBe(bare.checkpoints);
    expect(bare.bytes - kept.bytes).toBeGreaterThan(2 * 35_000);
  });

  test("reads in a fork what was kept before it", async () => {
    const agent = await shop({
      kind,
      tools: [fetchLog],
      turns: [
        calls({ name: "fetch_log" }),
        ({ messages }) => {
          const handle = handleIn(messages.findLast((message) => ToolMessage.isInstance(message)));
          return calls({ name: "search_tool_result", args: { handle, pattern: "order 900 " } });
        },
        done,
      ],
    });
    await agent.invoke();
    const fork = await checkpointAfter(agent.checkpointer, 1);
    const messages = await agent.invoke("thread-1", null, { configurable: fork });
    expect(messages.at(-1)?.text).toContain("900: order 900 was shipped");
  });
});

test("leaves a cut where a result is larger than its quota", async () => {
  const agent = await shop({ tools: [fetchLog], turns, options: { maxTotalBytes: 10_000 } });
  const [message] = await agent.invoke();
  expect(message?.text).toContain("could not be kept elsewhere (result-too-large)");
});

test("keeps a result as long as it is told to", async () => {
  let now = Date.now();
  const store = memoryStore({ now: () => now });
  const agent = await shop({ tools: [fetchLog], turns, store, options: { ttlMs: 60_000 } });
  await agent.invoke();
  now += 50_000;
  expect(await store.prune({ olderThanMs: 1e12 })).toBe(0);
  now += 20_000;
  expect(await store.prune({ olderThanMs: 1e12 })).toBe(1);
});

test("previews what a tool threw in the requests that follow", async () => {
  const failing = answering("fail", () => {
    throw new Error(report(100_000, "failure"));
  });
  const agent = await shop({ tools: [failing], turns: [calls({ name: "fail" }), done] });
  const [message] = await agent.invoke();
  expect(message?.status).toBe("error");
  expect(message?.text.length).toBeGreaterThan(100_000);
  const asked = agent.model.calls.at(-1)?.messages.at(-1);
  expect(asked?.text.length).toBeLessThan(6_000);
  expect(asked?.text).toContain("failure 1 was shipped");
});

test("counts with the counter it is given", async () => {
  const counted: string[] = [];
  const countWords = (text: string): number => {
    counted.push(text);
    return text.split(" ").length;
  };
  const options = { tokenCounter: countWords, maxTokens: 1_500 };
  const words = answering("words", () => "word ".repeat(1_400));
  const agent = await shop({ tools: [words], turns: [calls({ name: "words" }), done], options });
  const [message] = await agent.invoke();
  expect(message?.text).toBe("word ".repeat(1_400));
  expect(counted.length).toBeGreaterThan(0);
});

async function measured(parts: ShopParts): Promise<{ checkpoints: number; bytes: number }> {
  const agent = await shop(parts);
  await agent.invoke();
  let checkpoints = 0;
  for await (const _ of agent.checkpointer.list({ configurable: { thread_id: "thread-1" } })) {
    checkpoints += 1;
  }
  return { checkpoints, bytes: agent.stored().length };
}

/** Where the thread stood once the first tool had answered. */
async function checkpointAfter(
  checkpointer: Awaited<ReturnType<typeof shop>>["checkpointer"],
  answers: number,
): Promise<object> {
  for await (const { config, checkpoint } of checkpointer.list({
    configurable: { thread_id: "thread-1" },
  })) {
    const { messages } = checkpoint.channel_values as { messages?: unknown[] };
    const found = (messages ?? []).filter((message) => ToolMessage.isInstance(message));
    if (found.length === answers) return config.configurable ?? {};
  }
  throw new Error("no such checkpoint");
}
