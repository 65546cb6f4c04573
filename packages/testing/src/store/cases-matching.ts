import assert from "node:assert/strict";

import type { ClaimOutcome, ClaimRequest, EvenkeelStore, StandingPlans } from "@evenkeel/core";

import { claimed } from "./cases-effects.ts";
import { sampleClaim, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

interface Call {
  scope: string;
  id: string;
  plan: string;
  args?: string;
  ordinal?: number;
  planned?: readonly string[];
  replan?: boolean;
  answered?: readonly string[];
  standing?: StandingPlans;
  over?: Partial<ClaimRequest>;
}

/** A claim of a call that has no key of its own. */
function call({ scope, id, plan, args = "a", over = {}, ...match }: Call): ClaimRequest {
  const { ordinal = 0, planned = [], replan = false, answered = [], standing } = match;
  return sampleClaim(scope, {
    key: `call:${id}`,
    argsHash: args,
    match: {
      callId: `${id}#${args}`,
      plan,
      ordinal,
      planned,
      replan,
      answered,
      ...(standing === undefined ? {} : { standing }),
    },
    ...over,
  });
}

async function done(store: EvenkeelStore, one: Call): Promise<void> {
  const claim = claimed(await store.claimEffect(call(one)));
  await store.settleEffect(claim, { status: "settled", result: one.id });
}

function resultOf(outcome: ClaimOutcome): unknown {
  assert.equal(outcome.status, "settled");
  assert.ok("effect" in outcome);
  return outcome.effect.result;
}

/** Calls of a later plan, under other ids, meet what an earlier one did. */
export const matchCases: readonly StoreCase[] = [
  {
    name: "takes two equal calls of one plan for two effects",
    async run(store) {
      const scope = unique("scope");
      await done(store, { scope, id: "1", plan: "p1", ordinal: 0 });
      claimed(await store.claimEffect(call({ scope, id: "2", plan: "p1", ordinal: 1 })));
    },
  },
  {
    name: "lets the how-many-th equal call of a later plan meet that of the earlier one",
    async run(store) {
      const scope = unique("scope");
      await done(store, { scope, id: "1", plan: "p1", ordinal: 0 });
      await done(store, { scope, id: "2", plan: "p1", ordinal: 1 });
      const second = call({ scope, id: "x", plan: "p2", ordinal: 1 });
      assert.equal(resultOf(await store.claimEffect(second)), "2");
      const first = call({ scope, id: "y", plan: "p2", ordinal: 0 });
      assert.equal(resultOf(await store.claimEffect(first)), "1");
      claimed(await store.claimEffect(call({ scope, id: "z", plan: "p2", ordinal: 2 })));
    },
  },
  {
    name: "knows an effect by every id it was called under",
    async run(store) {
      const scope = unique("scope");
      await done(store, { scope, id: "1", plan: "p1" });
      await store.claimEffect(call({ scope, id: "x", plan: "p2" }));
      for (const id of ["x", "1"]) {
        assert.equal(resultOf(await store.claimEffect(call({ scope, id, plan: "p2" }))), "1");
      }
    },
  },
  {
    name: "says that a changed call may stand for an effect that was done, and claims nothing",
    async run(store) {
      const scope = unique("scope");
      await done(store, { scope, id: "1", plan: "p1" });
      await done(store, { scope, id: "2", plan: "p1", args: "b" });
      const changed = { scope, id: "x", plan: "p2", args: "c" };
      const outcome = await store.claimEffect(call({ ...changed, planned: ["b#0"] }));
      assert.equal(outcome.status, "replanned");
      assert.ok("candidates" in outcome);
      assert.deepEqual(
        outcome.candidates.map(({ result }) => result),
        ["1"],
      );
      assert.equal(await store.lookupEffect(scope, "call:x"), undefined);
      claimed(await store.claimEffect(call({ ...changed, replan: true })));
    },
  },
  {
    name: "finds a failed effect to re-plan, since it may have been done, but none that never began",
    async run(store) {
      const scope = unique("scope");
      const one = { scope, id: "1", plan: "p1" };
      for (const status of ["void", "failed"] as const) {
        const claim = claimed(await store.claimEffect(call(one)));
        await store.settleEffect(claim, { status, result: null });
        const changed = call({ scope, id: status, plan: "p2", args: status });
        const outcome = await store.claimEffect(changed);
        assert.equal(outcome.status, status === "void" ? "claimed" : "replanned");
      }
    },
  },
  {
    name: "finds nothing to re-plan in the same plan, in another tool or execution, or what was met",
    async run(store) {
      const scope = unique("scope");
      await done(store, { scope, id: "1", plan: "p1" });
      claimed(await store.claimEffect(call({ scope, id: "2", plan: "p1", args: "b" })));
      const elsewhere = { scope, id: "3", plan: "p2", args: "b" };
      claimed(await store.claimEffect(call({ ...elsewhere, over: { tool: "notify" } })));
      const other = { ...elsewhere, id: "4", over: { executionId: "another" } };
      claimed(await store.claimEffect(call(other)));
      assert.equal(resultOf(await store.claimEffect(call({ scope, id: "5", plan: "p2" }))), "1");
      const next = call({ scope, id: "6", plan: "p2", args: "c", planned: ["b#0"] });
      claimed(await store.claimEffect(next));
    },
  },
  {
    name: "lets a changed call take up the place of a recorded one, and knows it again",
    async run(store) {
      const scope = unique("scope");
      await done(store, { scope, id: "1", plan: "p1" });
      const changed = call({ scope, id: "x", plan: "p2", args: "in other words" });
      const takesUp = { ...changed, key: "call:1", argsHash: "a" };
      assert.equal(resultOf(await store.claimEffect(takesUp)), "1");
      assert.equal(resultOf(await store.claimEffect(changed)), "1");
      const edited = call({ scope, id: "1", plan: "p1", args: "edited" });
      assert.equal((await store.claimEffect(edited)).status, "conflict");
    },
  },
  {
    name: "lets an equal call after a failed or unknown one that was answered take up its key",
    async run(store) {
      const scope = unique("scope");
      for (const status of ["failed", "unknown"] as const) {
        const args = status;
        const one = call({ scope, id: `1 ${status}`, plan: "p1", args });
        const claim = claimed(await store.claimEffect(one));
        await store.settleEffect(claim, { status, result: "timeout" });
        const next = { scope, id: `2 ${status}`, plan: "p1", args, ordinal: 1 };
        claimed(await store.claimEffect(call({ ...next, id: `0 ${status}` })));
        const again = call({ ...next, answered: [`1 ${status}#${args}`] });
        const outcome = await store.claimEffect(again);
        assert.equal(outcome.status, status === "failed" ? "claimed" : "unknown");
        assert.ok("effect" in outcome);
        assert.equal(outcome.effect.key, claim.key);
      }
    },
  },
  {
    name: "leaves what other plans did to them where they hold beside the one that asks",
    async run(store) {
      const scope = unique("scope");
      const [before, sibling, left] = ["t:0.a/1", "t:1.b/1", "t:1.c/1"];
      await done(store, { scope, id: "1", plan: before });
      await done(store, { scope, id: "2", plan: sibling, args: "b", replan: true });
      const standing = { plans: [before], beside: [{ step: "t:1.", task: "t:1.c/" }] };
      const own = { scope, plan: "t:1.c/2", standing };
      claimed(await store.claimEffect(call({ ...own, id: "3" })));
      claimed(await store.claimEffect(call({ ...own, id: "4", args: "b" })));
      // Its own task's earlier entry, and what no plan is known to hold, are left to be met.
      await done(store, { scope, id: "5", plan: left, args: "c", replan: true });
      await done(store, { scope, id: "6", plan: "t:0.d/1", args: "d", replan: true });
      const changed = await store.claimEffect(call({ ...own, id: "7", args: "e" }));
      assert.equal(changed.status, "replanned");
      assert.ok("candidates" in changed);
      assert.deepEqual(
        changed.candidates.map(({ result }) => result),
        ["5", "6"],
      );
      assert.equal(resultOf(await store.claimEffect(call({ ...own, id: "8", args: "d" }))), "6");
    },
  },
];
