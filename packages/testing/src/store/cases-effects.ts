import assert from "node:assert/strict";

import type { ClaimOutcome, EffectClaim, EvenkeelStore } from "@evenkeel/core";

import { HOSTILE_VALUES, ODD_IDS, sampleClaim, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

const SHORT_MS = 40;
const TEN_MEGABYTES = 10_000_000;

/** Longer than a short lease holds. */
export function outlast(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SHORT_MS * 2));
}

/** The claim of an outcome that granted one. */
export function claimed(outcome: ClaimOutcome): EffectClaim {
  assert.equal(outcome.status, "claimed");
  assert.ok("claim" in outcome);
  return outcome.claim;
}

async function statusOf(store: EvenkeelStore, scope: string): Promise<string | undefined> {
  return (await store.lookupEffect(scope, "refund:A-1042"))?.status;
}

/** An effect happens once: who may do it, and who may say how it came out. */
export const effectCases: readonly StoreCase[] = [
  {
    name: "answers a settled effect with its request and result, as they came",
    async run(store) {
      const scope = unique("scope");
      const request = { values: HOSTILE_VALUES };
      const claim = claimed(await store.claimEffect(sampleClaim(scope, { request })));
      assert.equal(
        await store.settleEffect(claim, { status: "settled", result: HOSTILE_VALUES }),
        true,
      );
      const again = await store.claimEffect(sampleClaim(scope, { take: "dead" }));
      assert.equal(again.status, "settled");
      assert.ok("effect" in again);
      assert.deepEqual(again.effect.request, request);
      assert.deepEqual(again.effect.result, HOSTILE_VALUES);
      assert.ok(Date.parse(again.effect.createdAt) <= Date.parse(again.effect.settledAt ?? ""));
    },
  },
  {
    name: "lets one of many workers do an effect, the others see it in flight",
    async run(store) {
      const scope = unique("scope");
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store.claimEffect(sampleClaim(scope))),
      );
      const granted = outcomes.filter(({ status }) => status === "claimed");
      assert.equal(granted.length, 1);
      for (const outcome of outcomes) {
        if (outcome.status === "claimed") continue;
        assert.equal(outcome.status, "in-flight");
        assert.ok("remainingMs" in outcome && outcome.remainingMs > 30_000);
      }
    },
  },
  {
    name: "takes the same claim asked twice for one, since its first answer may have been lost",
    async run(store) {
      const scope = unique("scope");
      const request = sampleClaim(scope, { leaseMs: SHORT_MS });
      const first = claimed(await store.claimEffect(request));
      await outlast();
      const again = { ...request, leaseMs: 60_000 };
      assert.deepEqual(claimed(await store.claimEffect(again)), first);
      const other = sampleClaim(scope, { take: "dead" });
      assert.equal((await store.claimEffect(other)).status, "in-flight");
    },
  },
  {
    name: "parks what a dead worker left and must not be done twice",
    async run(store) {
      const scope = unique("scope");
      await store.claimEffect(sampleClaim(scope, { leaseMs: SHORT_MS }));
      await outlast();
      assert.equal((await store.claimEffect(sampleClaim(scope))).status, "unknown");
      const dead = await store.claimEffect(sampleClaim(scope, { take: "dead" }));
      assert.equal(dead.status, "unknown");
      assert.equal(await statusOf(store, scope), "unknown");
      assert.ok("effect" in dead);
      const { token: decided } = dead.effect;
      const stale = sampleClaim(scope, { decided: decided - 1 });
      assert.equal((await store.claimEffect(stale)).status, "unknown");
      const retaken = claimed(await store.claimEffect(sampleClaim(scope, { decided })));
      await store.settleEffect(retaken, { status: "unknown", result: null });
      // Two decided about the same claim: the second must not undo what the first found out.
      const second = await store.claimEffect(sampleClaim(scope, { decided }));
      assert.equal(second.status, "unknown");
    },
  },
  {
    name: "hands on what a dead worker left and may be done twice, and the dead one cannot settle it",
    async run(store) {
      const scope = unique("scope");
      const lost = claimed(await store.claimEffect(sampleClaim(scope, { leaseMs: SHORT_MS })));
      await outlast();
      const taken = claimed(await store.claimEffect(sampleClaim(scope, { take: "dead" })));
      assert.ok(taken.token > lost.token);
      assert.equal(await store.settleEffect(lost, { status: "settled", result: "late" }), false);
      assert.equal(await store.settleEffect(taken, { status: "settled", result: "mine" }), true);
      assert.equal((await store.lookupEffect(scope, taken.key))?.result, "mine");
    },
  },
  {
    name: "lets a worker settle after its claim ran out, where nobody took it",
    async run(store) {
      const scope = unique("scope");
      const late = claimed(await store.claimEffect(sampleClaim(scope, { leaseMs: SHORT_MS })));
      await outlast();
      assert.equal((await store.claimEffect(sampleClaim(scope))).status, "unknown");
      assert.equal(await store.settleEffect(late, { status: "settled", result: 1 }), true);
      assert.equal((await store.claimEffect(sampleClaim(scope))).status, "settled");
    },
  },
  {
    name: "takes a settlement sent twice, since its first answer may have been lost",
    async run(store) {
      const claim = claimed(await store.claimEffect(sampleClaim(unique("scope"))));
      const settlement = { status: "settled" as const, result: 1 };
      assert.equal(await store.settleEffect(claim, settlement), true);
      assert.equal(await store.settleEffect(claim, settlement), true);
      assert.equal(await store.settleEffect(claim, { status: "failed", result: 2 }), false);
    },
  },
  {
    name: "lets what failed or never began be tried again under its key",
    async run(store) {
      const scope = unique("scope");
      for (const status of ["failed", "void"] as const) {
        const claim = claimed(await store.claimEffect(sampleClaim(scope)));
        await store.settleEffect(claim, { status, result: "no such order" });
      }
      claimed(await store.claimEffect(sampleClaim(scope)));
    },
  },
  {
    name: "refuses other arguments under a known key, and changes nothing",
    async run(store) {
      const scope = unique("scope");
      const claim = claimed(await store.claimEffect(sampleClaim(scope)));
      const other = sampleClaim(scope, { argsHash: "other", take: "dead" });
      assert.equal((await store.claimEffect(other)).status, "conflict");
      assert.equal(await store.settleEffect(claim, { status: "settled", result: 1 }), true);
      assert.equal((await store.claimEffect(other)).status, "conflict");
    },
  },
  {
    name: "extends the claims a worker still has, and says which",
    async run(store) {
      const scope = unique("scope");
      const kept = claimed(
        await store.claimEffect(sampleClaim(scope, { key: "kept", leaseMs: SHORT_MS })),
      );
      const lost = claimed(
        await store.claimEffect(sampleClaim(scope, { key: "lost", leaseMs: SHORT_MS })),
      );
      await store.settleEffect(lost, { status: "settled", result: 1 });
      assert.deepEqual(await store.extendEffects([kept, lost], 60_000), [kept]);
      assert.deepEqual(await store.extendEffects([], 60_000), []);
      await outlast();
      const again = await store.claimEffect(sampleClaim(scope, { key: "kept", take: "dead" }));
      assert.equal(again.status, "in-flight");
    },
  },
  {
    name: "records a transaction's settlement with it, or neither",
    async run(store) {
      const scope = unique("scope");
      if (store.settleInTransaction === undefined) return;
      const claim = claimed(await store.claimEffect(sampleClaim(scope)));
      const failing = store.settleInTransaction(claim, async () => {
        throw new RangeError("the work");
      });
      await assert.rejects(failing, RangeError);
      assert.equal(await statusOf(store, scope), "claimed");
      const work = async (): Promise<{ status: "settled"; result: unknown }> => ({
        status: "settled",
        result: 1,
      });
      assert.equal(await store.settleInTransaction(claim, work), true);
      assert.equal(await statusOf(store, scope), "settled");
      const stranger = { ...claim, token: claim.token + 1_000 };
      assert.equal(await store.settleInTransaction(stranger, work), false);
    },
  },
  {
    name: "keeps effects of two scopes, odd keys and results of 10 MB apart and whole",
    async run(store) {
      const [mine, theirs] = [unique("scope"), unique("scope")];
      for (const key of ODD_IDS) {
        claimed(await store.claimEffect(sampleClaim(mine, { key, executionId: key, tool: key })));
      }
      assert.equal((await store.listEffects({ scope: mine })).length, ODD_IDS.length);
      const long = ODD_IDS.at(-1) ?? "";
      const [found] = await store.listEffects({ scope: mine, tool: long, executionId: long });
      assert.equal(found?.key, long);
      assert.equal(found.tool, long);
      const claim = claimed(await store.claimEffect(sampleClaim(theirs)));
      const text = "0123456789".repeat(TEN_MEGABYTES / 10);
      await store.settleEffect(claim, { status: "settled", result: { text } });
      const back = await store.lookupEffect(theirs, claim.key);
      assert.ok(JSON.stringify(back?.result) === JSON.stringify({ text }), "it came back whole");
    },
  },
  {
    name: "forgets effects and leases, and prunes only what was decided in executions nobody is at",
    async run(store) {
      const scope = unique("scope");
      const threadId = "thread";
      const settle = async (key: string, executionId: string): Promise<void> => {
        const request = sampleClaim(scope, { key, executionId, threadId });
        const claim = claimed(await store.claimEffect(request));
        await store.settleEffect(claim, { status: "settled", result: 1 });
      };
      await settle("ended", "ended");
      await settle("running", "running");
      await store.claimEffect(sampleClaim(scope, { key: "claimed", threadId, leaseMs: 1 }));
      await store.claimEffect(sampleClaim(scope, { key: "unknown", threadId, leaseMs: 1 }));
      await store.acquireLease({
        scope,
        executionId: "running",
        threadId,
        owner: "me",
        leaseMs: 60_000,
      });
      await outlast();
      await store.claimEffect(sampleClaim(scope, { key: "unknown", threadId }));
      await store.prune({ olderThanMs: 0 });
      const left = (await store.listEffects({ scope })).map(({ key }) => key).toSorted();
      assert.deepEqual(left, ["claimed", "running", "unknown"]);
      assert.equal(await store.forget({ scope, threadId }), 4);
      assert.deepEqual(await store.listEffects({ scope }), []);
    },
  },
  {
    name: "refuses a claim whose keys or times are none, and keeps nothing of it",
    async run(store) {
      const scope = unique("scope");
      const bad = [{ leaseMs: 0 }, { leaseMs: Number.NaN }, { leaseMs: Number.POSITIVE_INFINITY }];
      for (const over of bad) {
        await assert.rejects(store.claimEffect(sampleClaim(scope, over)), {
          code: "invalid-options",
        });
      }
      const noJson = sampleClaim(scope, { request: 1n });
      await assert.rejects(store.claimEffect(noJson), { code: "not-canonical-json" });
      assert.deepEqual(await store.listEffects({ scope }), []);
    },
  },
];
