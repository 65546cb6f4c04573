import { configFreezeMiddleware, upgradeExecution } from "@evenkeel/config-freeze";
import { memoryStore } from "@evenkeel/core";
import { conformance } from "@evenkeel/testing";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { Command, InMemoryStore } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { recommendedStack } from "evenkeel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { KINDS, carryThrough, gaps } from "../composition/shop.ts";
import { BACKENDS } from "./savers.ts";
import type { OpenSaver } from "./savers.ts";
import { deployedShop } from "./shop.ts";

const MONDAY = "Be kind.";
const TUESDAY = "Be strict.";
/** Laws that a checkpointer can break. */
const KEPT = [9, 10, 17, 18];

for (const { name, missing, open } of BACKENDS) {
  describe.skipIf(missing !== undefined)(
    `${name}${missing === undefined ? "" : `: ${missing}`}`,
    () => {
      let saver: OpenSaver;
      let checkpointer: BaseCheckpointSaver;
      beforeAll(async () => {
        saver = await open();
        ({ checkpointer } = saver);
      });
      afterAll(() => saver.close());

      /** Asks on Monday, over a pause; gives what a process of Tuesday goes on from. */
      async function paused() {
        const store = new InMemoryStore();
        const config = { configurable: { thread_id: crypto.randomUUID() } };
        const monday = deployedShop({ prompt: MONDAY, checkpointer, store });
        const content = "A1 was charged twice.";
        await monday.agent.invoke({ messages: [{ role: "user", content }] }, config);
        return { config, tuesday: deployedShop({ prompt: TUESDAY, checkpointer, store }) };
      }
      test("an execution keeps its configuration over a deploy", async () => {
        const { config, tuesday } = await paused();
        await tuesday.agent.invoke(new Command({ resume: "yes" }), config);
        expect(tuesday.prompts()).toEqual([MONDAY, MONDAY]);
      });

      test("a fork of it does, too", async () => {
        const { config, tuesday } = await paused();
        await tuesday.agent.invoke(new Command({ resume: "yes" }), config);
        const history = [];
        for await (const { config: at, next } of tuesday.agent.getStateHistory(config)) {
          if (next.includes("agent")) history.push(at);
        }
        await tuesday.agent.invoke(null, history.at(-1));
        expect(new Set(tuesday.prompts())).toEqual(new Set([MONDAY]));
      });

      test("an upgrade reaches a paused execution without a checkpoint", async () => {
        const { config, tuesday } = await paused();
        const count = async (): Promise<number> => {
          let checkpoints = 0;
          for await (const _one of checkpointer.list(config)) checkpoints += 1;
          return checkpoints;
        };
        const before = await count();
        const act = { reason: "the prompt was wrong", actor: "ops", audit: memoryStore() };
        await upgradeExecution(tuesday.agent, config, act);
        expect(await count()).toBe(before);
        await tuesday.agent.invoke(new Command({ resume: "yes" }), config);
        expect(tuesday.prompts()).toEqual([TUESDAY, TUESDAY]);
      });

      test("a large result stays outside, and is read in the next process", async () => {
        const { config, tuesday } = await paused();
        const { messages } = await tuesday.agent.invoke(new Command({ resume: "yes" }), config);
        const [log, refund, found] = messages.filter(({ type }) => type === "tool");
        expect(log?.text.length).toBeLessThan(4_000);
        expect(refund?.text).toBe("yes: refunded A1");
        expect(found?.text).toContain("line 1999: nothing happened");
      });

      test.each(KINDS)("the recommended stack is unseen on a %s", async (kind) => {
        const { seen: bare } = await carryThrough(kind, { checkpointer });
        const toolIdempotency = { tools: { look_up: "pure", pay: "once" } } as const;
        const { seen, events } = await carryThrough(kind, { checkpointer }, (store) =>
          recommendedStack({ store, toolIdempotency }),
        );
        expect(seen).toEqual({ ...bare, effects: [...new Set(bare.effects)] });
        expect(gaps(events)).toEqual([]);
      });

      test.each([
        ["configFreezeMiddleware", () => configFreezeMiddleware()],
        ["toolResultOffloadMiddleware", () => toolResultOffloadMiddleware()],
      ] as const)("%s keeps the laws a checkpointer can break", async (factory, create) => {
        const laws = conformance({ name: factory, create, checkpointer: () => checkpointer });
        for (const { law, run } of laws) if (KEPT.includes(law)) await run();
      });
    },
  );
}
