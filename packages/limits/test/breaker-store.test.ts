import { memoryStore } from "@evenkeel/core";
import type { BreakerStore, EvenkeelEvent } from "@evenkeel/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { circuitBreakerMiddleware } from "../src/index.ts";
import type { CircuitBreakerMiddlewareOptions } from "../src/index.ts";
import { agentOf, thread } from "./support/agent.ts";
import { ask, dangling, lookUp, seeker } from "./support/seeker.ts";

const NOW = Date.UTC(2026, 0, 1);
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

/**
 * A process: circuits live in it under its store object, so that a view of the store is a process
 * that has only just begun.
 */
const processOf = (store: BreakerStore, options: CircuitBreakerMiddlewareOptions = {}) => {
  const view: BreakerStore = {
    listBreakers: (scope) => store.listBreakers(scope),
    putBreaker: (scope, record) => store.putBreaker(scope, record),
    claimProbe: (scope, key, forMs) => store.claimProbe(scope, key, forMs),
    releaseProbe: (scope, key) => store.releaseProbe(scope, key),
  };
  const events: EvenkeelEvent[] = [];
  const service = { works: false, delayMs: 0 };
  const { tool, calls } = lookUp(async () => {
    if (service.delayMs > 0) await new Promise((later) => setTimeout(later, service.delayMs));
    if (!service.works) throw Object.assign(new Error("503"), { status: 503 });
    return "found";
  });
  let threads = 0;
  const breaker = circuitBreakerMiddleware({
    window: 4,
    minimumCalls: 4,
    scope: () => "all",
    store: view,
    ...options,
  });
  const call = async (times = 1): Promise<Record<string, unknown>> => {
    const graph = agentOf({
      model: seeker({ callsPerTurn: times, turns: 1 }),
      tools: [tool],
      events,
      middleware: [breaker],
    });
    return graph.invoke(ask(), thread(`thread-${(threads += 1)}`));
  };
  const told = (): string[] => events.map(({ name }) => name);
  return { call, calls, service, told, events };
};

describe("a breaker with a store", () => {
  test("stays open over a restart, and closes by a trial call in another process", async () => {
    const store = memoryStore();
    const first = processOf(store);
    await first.call(4);
    expect(first.told()).toEqual(["breaker-opened"]);
    const second = processOf(store);
    await second.call(2);
    expect(second.calls).toHaveLength(0);
    vi.setSystemTime(NOW + 31_000);
    second.service.works = true;
    await second.call();
    expect(second.told()).toEqual(["breaker-closed"]);
    const third = processOf(store);
    third.service.works = true;
    await third.call(3);
    expect(third.calls).toHaveLength(3);
  });

  test("counts on over a restart before it is open", async () => {
    const store = memoryStore();
    await processOf(store).call(3);
    const second = processOf(store);
    await second.call();
    expect(second.told()).toEqual(["breaker-opened"]);
  });

  test("waits longer after each trial call that failed, over restarts", async () => {
    const store = memoryStore();
    await processOf(store).call(4);
    let now = NOW;
    for (const waitMs of [30_000, 60_000, 120_000]) {
      const early = processOf(store);
      vi.setSystemTime(now + waitMs - 1_000);
      await early.call();
      expect(early.calls).toHaveLength(0);
      const due = processOf(store);
      vi.setSystemTime((now += waitMs));
      await due.call();
      expect(due.calls).toHaveLength(1);
      expect(due.events[0]).toMatchObject({
        name: "breaker-opened",
        detail: { afterTrial: true, retryAfterMs: waitMs * 2 },
      });
    }
  });

  test("lets one of several processes try it", async () => {
    const store = memoryStore();
    await processOf(store).call(4);
    vi.setSystemTime(NOW + 30_000);
    const processes = Array.from({ length: 4 }, () => processOf(store));
    for (const { service } of processes) Object.assign(service, { works: true, delayMs: 30 });
    const results = await Promise.all(processes.map(({ call }) => call(2)));
    expect(processes.reduce((sum, { calls }) => sum + calls.length, 0)).toBe(1);
    for (const result of results) expect(dangling(result)).toEqual([]);
  });

  test("hears from other processes while it runs", async () => {
    const store = memoryStore();
    const [one, other] = [processOf(store), processOf(store)];
    other.service.works = true;
    await other.call();
    await one.call(4);
    vi.setSystemTime(NOW + 6_000);
    // The model call looks, in the background; the tool call after it knows.
    await other.call(2);
    expect(other.calls).toHaveLength(1);
  });
});

describe("a store", () => {
  const failing = (work: () => Promise<never>): BreakerStore => ({
    listBreakers: work,
    putBreaker: work,
    claimProbe: work,
    releaseProbe: work,
  });

  test.each<[string, BreakerStore]>([
    [
      "is down",
      failing(async () => {
        throw new Error("connection refused");
      }),
    ],
    ["hangs", failing(() => new Promise<never>(() => undefined))],
  ])(
    "that %s holds up no call and is reported; the breaker works in the process",
    async (_title, store) => {
      const { call, calls, told, service } = processOf(store, { storeTimeoutMs: 20 });
      await call(4);
      await call(2);
      expect(calls).toHaveLength(4);
      vi.setSystemTime(NOW + 30_000);
      service.works = true;
      await call();
      expect(calls).toHaveLength(5);
      expect(told().filter((name) => name === "breaker-opened")).toHaveLength(1);
      expect(told().filter((name) => name === "breaker-closed")).toHaveLength(1);
      expect(told()).toContain("middleware-warning");
    },
  );

  test("that holds nonsense is read as far as it can be", async () => {
    const store = memoryStore();
    const record = { v: 1, status: "open", since: new Date(NOW).toISOString(), state: {} } as const;
    await store.putBreaker("all", { ...record, key: "no key of ours" });
    await store.putBreaker("all", { ...record, key: '["tool","look_up","infrastructure"]' });
    await store.putBreaker("all", {
      ...record,
      key: '["tool","look_up","unknown"]',
      state: { ownState: { value: 1, openedAt: Number.MAX_VALUE }, breakerState: { samples: 5 } },
    });
    const { call, calls, service, events } = processOf(store);
    service.works = true;
    await call(2);
    expect(calls).toHaveLength(2);
    expect(events.map(({ detail }) => detail["reason"])).toEqual(["breaker-unreadable"]);
  });
});
