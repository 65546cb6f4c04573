import { setTimeout as sleep } from "node:timers/promises";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { openAccount } from "../src/budget/account.ts";
import { latestSaver } from "../src/budget/save-latest.ts";
import { emptyEntry } from "../src/budget/spent.ts";
import { steadyClock, stopwatch } from "../src/budget/stopwatch.ts";

describe("a stopwatch", () => {
  test("adds up the time in which something is at work, once where several things are", () => {
    let now = 100;
    const watch = stopwatch(() => now);
    watch.enter();
    now += 10;
    watch.enter();
    now += 5;
    watch.leave();
    now += 3;
    watch.leave();
    now += 1_000;
    expect(watch.elapsedMs()).toBe(18);
  });

  test("never counts back, whatever its clock does", () => {
    const times = fc.array(fc.oneof(fc.double(), fc.constant(Number.NaN), fc.integer()));
    fc.assert(
      fc.property(times, (readings) => {
        let at = 0;
        const watch = stopwatch(() => readings[at++ % Math.max(1, readings.length)] ?? 0);
        watch.enter();
        let before = 0;
        return readings.every(() => {
          const elapsed = watch.elapsedMs();
          const grown = elapsed >= before && Number.isFinite(elapsed);
          before = elapsed;
          return grown;
        });
      }),
    );
  });

  test("goes by the monotonic clock where the run has the system's, which can be set", () => {
    const own = (): number => 7;
    expect(steadyClock(own)).toBe(own);
    expect(steadyClock(Date.now)()).toBeLessThan(Date.now() / 2);
  });
});

describe("a saver of what keeps changing", () => {
  test("saves the latest, never two at once, and skips what is outdated", async () => {
    const saved: number[] = [];
    let running = 0;
    let value = 0;
    const saver = latestSaver(() => undefined);
    const save = async (): Promise<void> => {
      running += 1;
      expect(running).toBe(1);
      const now = value;
      await sleep(5);
      saved.push(now);
      running -= 1;
    };
    const waits = Array.from({ length: 10 }, () => {
      value += 1;
      return saver.request(save);
    });
    await Promise.all(waits);
    expect(saved).toEqual([1, 10]);
    await saver.settled();
  });

  test("lets whoever waits go on where a save fails, and saves again", async () => {
    const errors: unknown[] = [];
    const saver = latestSaver((error) => errors.push(error));
    await saver.request(async () => {
      throw new Error("down");
    });
    let saves = 0;
    await saver.request(async () => void (saves += 1));
    expect([errors.length, saves]).toEqual([1, 1]);
  });
});

describe("an account", () => {
  const open = (limits: object = {}) =>
    openAccount(
      emptyEntry("execution"),
      () => ({ perExecution: {}, perThread: {}, perTool: {}, ...limits }),
      stopwatch(() => 0),
    );

  test("sums for the execution and its thread, and keeps every change under a higher revision", () => {
    const account = open();
    account.spend({ tokens: 10, modelCalls: 1 });
    account.spend({ tokens: 5 });
    const { revision, execution, thread } = account.entry();
    expect(revision).toBe(2);
    expect([execution.sums.tokens, thread.sums.tokens]).toEqual([15, 15]);
  });

  test("asks to be kept at once for what is limited, and for nothing else", () => {
    const account = open({ perExecution: { tokens: 100 }, perTool: { search: { calls: 5 } } });
    account.spend({ modelCalls: 1 });
    account.takeToolCall("another");
    expect(account.changes()).toBe(0);
    account.spend({ tokens: 10, modelCalls: 1 });
    account.takeToolCall("search");
    expect(account.changes()).toBe(2);
    expect(account.entry().execution.sums).toMatchObject({ modelCalls: 2, toolCalls: 2 });
  });

  test("goes on from a higher revision, and from no other", () => {
    const account = open();
    account.spend({ tokens: 10 });
    const later = { ...account.entry(), revision: 5 };
    account.adopt({ ...later, revision: 1 });
    expect(account.entry().revision).toBe(1);
    account.adopt(later);
    expect(account.entry().revision).toBe(5);
  });

  test("survives a tool that is named like a member of every object", () => {
    const perTool = JSON.parse('{"__proto__":{"calls":1},"constructor":{"calls":1}}') as object;
    const account = open({ perTool });
    for (const tool of ["constructor", "toString", "__proto__"]) {
      expect(account.takeToolCall(tool)).toBeUndefined();
    }
    expect(account.takeToolCall("constructor")).toMatchObject({
      limit: "perTool.constructor.calls",
    });
    expect(account.takeToolCall("toString")).toBeUndefined();
  });
});
