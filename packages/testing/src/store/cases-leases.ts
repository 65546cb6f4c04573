import assert from "node:assert/strict";

import type { EvenkeelStore, HeldLease, LeaseRequest } from "@evenkeel/core";

import { claimed, outlast } from "./cases-effects.ts";
import { ODD_IDS, sampleClaim, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

const SHORT_MS = 40;

function wanted(over: Partial<LeaseRequest> = {}): LeaseRequest {
  const executionId = unique("execution");
  return { scope: "scope", executionId, threadId: null, owner: "me", leaseMs: 60_000, ...over };
}

async function granted(store: EvenkeelStore, request: LeaseRequest): Promise<HeldLease> {
  const outcome = await store.acquireLease(request);
  assert.ok(outcome.granted, "the lease was granted");
  return outcome.lease;
}

/** One worker at a time carries an execution on, and who lost it can do nothing more in its name. */
export const leaseCases: readonly StoreCase[] = [
  {
    name: "grants an execution to one of many workers, and tells the others who has it",
    async run(store) {
      const request = wanted();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.acquireLease({ ...request, owner: `worker ${index}` }),
        ),
      );
      assert.equal(outcomes.filter((outcome) => outcome.granted).length, 1);
      for (const outcome of outcomes) {
        if (outcome.granted) continue;
        assert.match(outcome.owner, /^worker \d+$/);
        assert.ok(outcome.remainingMs > 30_000 && outcome.remainingMs <= 60_000);
      }
    },
  },
  {
    name: "grants a lease again to its own worker, and to others once it was given back or ran out",
    async run(store) {
      const request = wanted({ leaseMs: SHORT_MS });
      const first = await granted(store, request);
      const again = await granted(store, request);
      assert.ok(again.token > first.token);
      await outlast();
      const other = await granted(store, { ...request, owner: "other", leaseMs: 60_000 });
      assert.equal(await store.renewLease(again, 60_000), false);
      assert.equal(await store.holdsLease(again), false);
      assert.equal(await store.releaseLease(again), false);
      assert.equal(await store.holdsLease(other), true);
      assert.equal(await store.releaseLease(other), true);
      await granted(store, request);
    },
  },
  {
    name: "lets a renewed lease hold",
    async run(store) {
      const request = wanted({ leaseMs: SHORT_MS });
      const lease = await granted(store, request);
      assert.equal(await store.renewLease(lease, 60_000), true);
      await outlast();
      assert.equal((await store.acquireLease({ ...request, owner: "other" })).granted, false);
    },
  },
  {
    name: "lets a worker whose lease ran out go on while nobody took it",
    async run(store) {
      const lease = await granted(store, wanted({ leaseMs: SHORT_MS }));
      await outlast();
      assert.equal(await store.holdsLease(lease), true);
      assert.equal(await store.renewLease(lease, 60_000), true);
    },
  },
  {
    name: "lets a worker that lost its execution claim, extend and settle nothing",
    async run(store) {
      const scope = unique("scope");
      const request = wanted({ scope, leaseMs: SHORT_MS });
      const { token: fence } = await granted(store, request);
      const claim = claimed(await store.claimEffect(sampleClaim(scope, { fence })));
      await outlast();
      await granted(store, { ...request, owner: "other" });
      const next = sampleClaim(scope, { key: "next", fence });
      assert.equal((await store.claimEffect(next)).status, "fenced");
      assert.deepEqual(await store.extendEffects([claim], 60_000), []);
      assert.equal(await store.settleEffect(claim, { status: "settled", result: 1 }), false);
      const work = async (): Promise<{ status: "settled"; result: unknown }> => ({
        status: "settled",
        result: 1,
      });
      assert.equal((await store.settleInTransaction?.(claim, work)) ?? false, false);
    },
  },
  {
    name: "lets a claim run its time although its execution went to another worker",
    async run(store) {
      const scope = unique("scope");
      const request = wanted({ scope, leaseMs: SHORT_MS });
      const { token: fence } = await granted(store, request);
      await store.claimEffect(sampleClaim(scope, { fence, leaseMs: SHORT_MS * 6 }));
      await outlast();
      const after = await granted(store, { ...request, owner: "other", leaseMs: 60_000 });
      // Whoever claimed it may be just about to let it happen.
      const again = sampleClaim(scope, { fence: after.token, take: "dead" });
      assert.equal((await store.claimEffect(again)).status, "in-flight");
      await outlast();
      await outlast();
      await outlast();
      assert.equal((await store.claimEffect(again)).status, "claimed");
    },
  },
  {
    name: "lets what was claimed be settled after the lease was given back, until another takes it",
    async run(store) {
      const scope = unique("scope");
      const lease = await granted(store, wanted({ scope }));
      const claim = claimed(await store.claimEffect(sampleClaim(scope, { fence: lease.token })));
      await store.releaseLease(lease);
      assert.equal(await store.settleEffect(claim, { status: "settled", result: 1 }), true);
    },
  },
  {
    name: "takes the lease of a superseded execution from its worker in the same breath",
    async run(store) {
      const scope = unique("scope");
      const old = wanted({ scope });
      const lost = await granted(store, old);
      const superseding = wanted({ scope, owner: "newer", supersedes: old.executionId });
      await granted(store, superseding);
      assert.equal(await store.holdsLease(lost), false);
      assert.equal(await store.renewLease(lost, 60_000), false);
      await granted(store, { ...old, owner: "newer" });
    },
  },
  {
    name: "keeps the leases of odd ids and of two scopes apart",
    async run(store) {
      const scope = unique("scope");
      for (const executionId of ODD_IDS) {
        await granted(store, wanted({ scope, executionId, owner: executionId || "none" }));
      }
      for (const executionId of ODD_IDS) {
        const taken = await store.acquireLease(wanted({ scope, executionId, owner: "another" }));
        assert.equal(taken.granted, false);
      }
      await granted(store, wanted({ scope: `${scope}'`, executionId: ODD_IDS[2] ?? "" }));
    },
  },
];
