import { describe, expect, it } from "vitest";

import { sampleEvent } from "../../testing/src/store/samples.ts";
import { testStore } from "../../testing/src/store/test-store.ts";
import { memoryStore } from "../src/store/memory-store.ts";

describe("memoryStore", () => {
  it.each(testStore({ create: () => memoryStore() }))("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it("counts ages from the clock it is given", async () => {
    let now = Date.parse("2030-01-01T00:00:00Z");
    const store = memoryStore({ now: () => now });
    await store.appendEvents("scope", [sampleEvent("a", 1, { at: new Date(now).toISOString() })]);
    expect(await store.prune({ olderThanMs: 1_000 })).toBe(0);
    now += 2_000;
    expect(await store.prune({ olderThanMs: 1_000 })).toBe(1);
  });

  it("shares nothing with another one", async () => {
    const [one, other] = [memoryStore(), memoryStore()];
    await one.putManifest("scope", "hash", 1);
    expect(await other.getManifest("scope", "hash")).toBeUndefined();
  });
});
