import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { BreakerRecord } from "@evenkeel/core";

import { HOSTILE_VALUES, ODD_IDS, ago, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

const MINUTE_MS = 60_000;

/** A breaker that opened just now. */
function sampleBreaker(over: Partial<BreakerRecord> = {}): BreakerRecord {
  return { v: 1, key: "tool", status: "open", since: ago(0), state: { failures: 3 }, ...over };
}

/** Circuit breakers: the latest state, and one trial call at a time. */
export const breakerCases: readonly StoreCase[] = [
  {
    name: "keeps a breaker under its key, inside its scope",
    async run(store) {
      const [scope, other] = [unique("scope"), unique("scope")];
      const open = sampleBreaker({ state: { window: [true, false, null], waits: 2 } });
      await store.putBreaker(scope, open);
      await store.putBreaker(scope, { ...open, key: "model" });
      await store.putBreaker(other, { ...open, status: "closed" });
      const kept = await store.listBreakers(scope);
      assert.deepEqual(kept.map(({ key }) => key).toSorted(), ["model", "tool"]);
      assert.deepEqual(
        kept.find(({ key }) => key === "tool"),
        open,
      );
      assert.deepEqual(await store.listBreakers(other), [{ ...open, status: "closed" }]);
      assert.deepEqual(await store.listBreakers(unique("scope")), []);
    },
  },
  {
    name: "replaces a breaker by one as late or later, and drops an earlier one",
    async run(store) {
      const scope = unique("scope");
      const since = ago(10_000);
      await store.putBreaker(scope, sampleBreaker({ since, state: { failures: 1 } }));
      await store.putBreaker(scope, sampleBreaker({ since, state: { failures: 2 } }));
      await store.putBreaker(scope, sampleBreaker({ since: ago(20_000), state: { failures: 9 } }));
      assert.deepEqual((await store.listBreakers(scope))[0]?.state, { failures: 2 });
      await store.putBreaker(scope, sampleBreaker({ status: "closed" }));
      assert.equal((await store.listBreakers(scope))[0]?.status, "closed");
    },
  },
  {
    name: "gives the trial call of a breaker to one of many who ask at once",
    async run(store) {
      const scope = unique("scope");
      await store.putBreaker(scope, sampleBreaker());
      const claims = await Promise.all(
        Array.from({ length: 20 }, () => store.claimProbe(scope, "tool", MINUTE_MS)),
      );
      assert.equal(claims.filter(Boolean).length, 1);
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), false);
    },
  },
  {
    name: "gives a trial call again once it was released, its time is up, or it had a result",
    async run(store) {
      const scope = unique("scope");
      const since = ago(10_000);
      await store.putBreaker(scope, sampleBreaker({ since }));
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), true);
      await store.putBreaker(scope, sampleBreaker({ since, state: { failures: 4 } }));
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), false);
      await store.releaseProbe(scope, "tool");
      assert.equal(await store.claimProbe(scope, "tool", 20), true);
      await sleep(40);
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), true);
      await store.putBreaker(scope, sampleBreaker());
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), true);
    },
  },
  {
    name: "gives the trial call of a breaker nobody has kept, and releases it in silence",
    async run(store) {
      const scope = unique("scope");
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), true);
      assert.equal(await store.claimProbe(scope, "tool", MINUTE_MS), true);
      await store.releaseProbe(scope, "tool");
    },
  },
  {
    name: "keeps breakers under odd scopes and keys apart, and hostile states as they came",
    async run(store) {
      const prefix = unique("odd");
      const state = { values: HOSTILE_VALUES };
      for (const odd of ODD_IDS) {
        await store.putBreaker(`${prefix}${odd}`, sampleBreaker({ key: odd, state }));
      }
      for (const odd of ODD_IDS) {
        const kept = await store.listBreakers(`${prefix}${odd}`);
        assert.deepEqual(
          kept.map(({ key }) => key),
          [odd],
        );
        assert.deepEqual(JSON.stringify(kept[0]?.state), JSON.stringify(state));
      }
    },
  },
  {
    name: "forgets breakers with their scope, not with a thread of it, and prunes none that is new",
    async run(store) {
      const scope = unique("scope");
      await store.putBreaker(scope, sampleBreaker());
      assert.equal(await store.forget({ scope, threadId: "thread" }), 0);
      await store.prune({ olderThanMs: MINUTE_MS });
      assert.equal((await store.listBreakers(scope)).length, 1);
      assert.equal(await store.forget({ scope }), 1);
      assert.deepEqual(await store.listBreakers(scope), []);
    },
  },
];
