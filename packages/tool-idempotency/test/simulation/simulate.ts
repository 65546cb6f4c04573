import type { ClaimRequest, EffectClaim, EffectKind, EffectRecord } from "@evenkeel/core";

import { carryOut } from "../../src/call/carry-out.ts";
import type { Decision, Performed, Ports } from "../../src/call/carry-out.ts";
import { IdempotencyError } from "../../src/errors.ts";
import { afterFailure, takes } from "../../src/protocol.ts";
import { scheduler as makeScheduler, seeded } from "./scheduler.ts";
import type { Process } from "./scheduler.ts";
import { outside, sharedStore, storeOf, witnessed } from "./world.ts";
import type { Faults, Plant } from "./world.ts";

/** One thing the agent is to do, as its user means it. */
interface Intent {
  readonly name: string;
  readonly kind: EffectKind;
  readonly tool: string;
  /** Whether the tool names its effects itself. */
  readonly keyed: boolean;
  readonly reconciles: boolean;
  readonly args: string;
  /** Other words for the same thing, which a later plan may use. */
  readonly reworded: boolean;
}

/** What is durable of an execution beside its effects: where it stands, and in which attempt. */
interface Checkpoint {
  readonly id: string;
  attempt: number;
  batch: number;
  plan: readonly (readonly PlannedCall[])[];
  done: boolean;
}

interface PlannedCall {
  readonly id: string;
  readonly intent: Intent;
  readonly argsHash: string;
  readonly ordinal: number;
}

const LEASE_MS = 200;
const STORM: Faults = { failChance: 0.06, tearChance: 0.06, crashChance: 0.03 };
const CALM: Faults = { failChance: 0, tearChance: 0, crashChance: 0 };

/** What a seed came to. */
export interface Simulated {
  /** Broken invariants, in words; empty where all hold. */
  readonly faults: readonly string[];
  readonly crashes: number;
  readonly reused: number;
  readonly parked: number;
  readonly replanned: number;
}

/**
 * Several workers carry several executions to their end while stores fail and tear, workers die and
 * stall beyond their leases, and attempts are planned anew; then the world's own log is read.
 */
export async function simulate(seed: number, plant?: Plant): Promise<Simulated> {
  const random = seeded(seed);
  const faults: string[] = [];
  const counts = { crashes: 0, reused: 0, parked: 0, replanned: 0 };
  let storm = true;
  const scheduler = makeScheduler(random, () => ({
    stallChance: storm ? 0.04 : 0,
    stallMs: LEASE_MS * 3,
  }));
  const shared = witnessed(sharedStore(scheduler.now, plant), scheduler.now, (fault) =>
    faults.push(fault),
  );
  const world = outside();
  const pick = <One>(list: readonly One[]): One => {
    const one = list[Math.floor(random() * list.length)];
    if (one === undefined) throw new RangeError("nothing to pick from");
    return one;
  };
  let ids = 0;
  const fresh = (name: string): string => `${name}-${(ids += 1)}`;
  const settledBy = new Map<string, string>();

  const executions = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => {
    const intents = Array.from({ length: 1 + Math.floor(random() * 4) }, (__, at) =>
      intentOf(`execution-${index}:${at}`, random, pick),
    );
    const checkpoint: Checkpoint = {
      id: `execution-${index}`,
      attempt: 1,
      batch: 0,
      plan: planOf(intents, fresh, random, false),
      done: false,
    };
    return { checkpoint, intents };
  });

  const living: Process[] = [];
  const crash = (process: Process): void => {
    process.dead = true;
    counts.crashes += 1;
    start();
  };
  const start = (): void => {
    const process: Process = { name: fresh("worker"), dead: false };
    living.push(process);
    void worker(process);
  };

  async function worker(process: Process): Promise<void> {
    const store = storeOf(shared, process, { scheduler, random, faults: current, crash });
    for (;;) {
      await scheduler.turn(process, 5);
      const open = executions.filter(({ checkpoint }) => !checkpoint.done);
      if (open.length === 0) return;
      const execution = pick(open);
      try {
        await carryOn(execution, process, store);
      } catch (error) {
        if (!isExpected(error)) faults.push(`${process.name} threw ${String(error)}`);
        // A failed attempt is sometimes planned anew, from its first checkpoint.
        if (storm && !execution.checkpoint.done && random() < 0.3) restart(execution);
      }
    }
  }

  function restart({ checkpoint, intents }: (typeof executions)[number]): void {
    checkpoint.attempt += 1;
    checkpoint.batch = 0;
    checkpoint.plan = planOf(intents, fresh, random, true);
  }

  async function carryOn(
    { checkpoint }: (typeof executions)[number],
    process: Process,
    store: ReturnType<typeof storeOf>,
  ): Promise<void> {
    const outcome = await store.acquireLease({
      scope: "scope",
      executionId: checkpoint.id,
      threadId: null,
      owner: process.name,
      leaseMs: LEASE_MS,
    });
    if (!outcome.granted) return scheduler.turn(process, outcome.remainingMs);
    const { attempt } = checkpoint;
    const seen = checkpoint.plan;
    for (let batch = checkpoint.batch; batch < seen.length; batch += 1) {
      const calls = seen[batch] ?? [];
      const known = seen.slice(0, batch + 1).flat();
      await Promise.all(
        calls.map((call) =>
          oneCall(call, { checkpoint, known, attempt, store, process }, outcome.lease.token),
        ),
      );
      await scheduler.turn(process);
      // A worker that was overtaken finds its checkpoint gone on.
      if (checkpoint.attempt !== attempt || checkpoint.batch !== batch) return;
      checkpoint.batch = batch + 1;
    }
    if (checkpoint.attempt === attempt) checkpoint.done = true;
    await store.releaseLease(outcome.lease);
  }

  interface Around {
    readonly checkpoint: Checkpoint;
    readonly known: readonly PlannedCall[];
    readonly attempt: number;
    readonly store: ReturnType<typeof storeOf>;
    readonly process: Process;
  }

  async function oneCall(call: PlannedCall, around: Around, fence: number): Promise<void> {
    const { intent } = call;
    const { checkpoint, known, attempt, store, process } = around;
    const request: ClaimRequest = {
      scope: "scope",
      key: intent.keyed ? `key:${intent.name}` : `call:${checkpoint.id}:${call.id}`,
      executionId: checkpoint.id,
      threadId: null,
      tool: intent.tool,
      effect: intent.kind,
      argsHash: intent.keyed ? intent.args : call.argsHash,
      request: { intent: intent.name },
      claimId: fresh("claim"),
      leaseMs: LEASE_MS,
      fence,
      take: takes(intent.kind, intent.reconciles),
      decided: null,
      asked: null,
      match: intent.keyed
        ? null
        : {
            callId: `${call.id}#${call.argsHash}`,
            answered: [],
            plan: String(attempt),
            ordinal: call.ordinal,
            planned: known
              .filter((one) => one.intent.tool === intent.tool)
              .map(({ argsHash, ordinal }) => `${argsHash}#${ordinal}`),
            replan: false,
          },
    };
    const result = await carryOut(request, portsOf(call, store, process));
    if (result === undefined) return;
    if (!result.startsWith(`${intent.name}:`) && !intent.reworded && !sameMeaning(result, intent)) {
      faults.push(`${intent.name} was answered with ${result}`);
    }
  }

  function portsOf(
    { intent }: PlannedCall,
    store: ReturnType<typeof storeOf>,
    process: Process,
  ): Ports<string | undefined> {
    const happen = (effect: EffectRecord): Performed<string | undefined> => {
      const { failChance } = current();
      const before = random() < failChance;
      const value = before ? undefined : world.happen(nameIn(effect), intent.kind, effect.key);
      const thrown = before || random() < failChance;
      return {
        settlement: thrown
          ? { status: afterFailure(intent.kind, true), result: null }
          : { status: "settled", result: value },
        deliver: () => {
          if (thrown) throw new IdempotencyError({ code: "effect-unknown", message: "The tool." });
          return value;
        },
      };
    };
    const truth = async (effect: EffectRecord): Promise<Decision<string | undefined>> => {
      counts.parked += 1;
      await scheduler.turn(process);
      const result = world.result(nameIn(effect));
      return result === undefined
        ? { do: "run" }
        : { do: "record", settlement: { status: "settled", result } };
    };
    return {
      ledger: store,
      rules: {
        onInFlight: "wait",
        onUnknown: "interrupt",
        onReplan: "interrupt",
        reconciles: intent.reconciles,
      },
      elapsed: scheduler.now,
      sleep: (ms) => scheduler.turn(process, ms),
      pause: (ms) => scheduler.turn(process, ms),
      perform: async (effect) => {
        const performed = happen(effect);
        if (random() < current().crashChance) crash(process);
        await scheduler.turn(process, random() * LEASE_MS);
        return performed;
      },
      ...(intent.kind === "transactional"
        ? { commit: (claim, effect) => inTransaction(claim, effect, intent, store, process) }
        : {}),
      reconcile: truth,
      // A person who can look it up; where nobody can, it stays parked.
      decide: async (effect) =>
        storm && random() < 0.5 ? { do: "answer", value: undefined } : truth(effect),
      compare: async (candidates) => {
        counts.replanned += 1;
        await scheduler.turn(process);
        const meant = candidates.find((candidate) => nameIn(candidate) === intent.name);
        return meant === undefined ? { do: "run" } : { do: "reuse", effect: meant };
      },
      reuse: (effect) => {
        counts.reused += 1;
        return typeof effect.result === "string" ? effect.result : undefined;
      },
      refuse: (why) =>
        new IdempotencyError({
          code: why === "fenced" ? "lease-lost" : "effect-in-flight",
          message: why,
        }),
      conflict: (effect) => {
        faults.push(`${intent.name} conflicts with ${effect.key}`);
        return undefined;
      },
      unrecorded: () => undefined,
    };
  }

  /** The effect happens in the store's own transaction: with its settlement, or not at all. */
  async function inTransaction(
    claim: EffectClaim,
    effect: EffectRecord,
    intent: Intent,
    store: ReturnType<typeof storeOf>,
    process: Process,
  ): Promise<{ kept: boolean; performed: Performed<string | undefined> }> {
    if (random() < current().crashChance) crash(process);
    await scheduler.turn(process, random() * LEASE_MS);
    const value = `${nameIn(effect)}:#0`;
    const kept = await shared.settleEffect(claim, { status: "settled", result: value });
    const first = settledBy.get(effect.key) === undefined || world.count(nameIn(effect)) === 0;
    if (kept && first) {
      settledBy.set(effect.key, process.name);
      world.happen(nameIn(effect), intent.kind, effect.key);
    } else if (kept) faults.push(`${effect.key} was committed twice`);
    await scheduler.turn(process);
    return {
      kept,
      performed: { settlement: { status: "settled", result: value }, deliver: () => value },
    };
  }

  const current = (): Faults => (storm ? STORM : CALM);
  start();
  start();
  start();
  await scheduler.run(300);
  storm = false;
  if (!(await scheduler.run(20_000))) faults.push("the executions did not come to an end");
  for (const { intents, checkpoint } of executions) {
    if (!checkpoint.done) faults.push(`${checkpoint.id} was not finished`);
    for (const { name, kind } of intents) {
      const count = world.count(name);
      if (count > 1) faults.push(`${name} (${kind}) happened ${count} times`);
    }
  }
  const rows = await shared.listEffects({ scope: "scope" });
  for (const row of rows) {
    const name = nameIn(row);
    if (row.status === "settled" && row.result !== null && world.count(name) === 0) {
      faults.push(`${name} is settled and never happened`);
    }
    if (
      row.status === "settled" &&
      typeof row.result === "string" &&
      row.result !== world.result(name)
    ) {
      faults.push(`${name} is recorded as ${row.result} and was ${world.result(name)}`);
    }
  }
  for (const { intents } of executions) {
    for (const { name } of intents) {
      const row = rows.find((one) => nameIn(one) === name);
      const decided = row?.status === "settled";
      if (decided && world.count(name) !== 1) faults.push(`${name} is settled, and was lost`);
      if (row === undefined) faults.push(`${name} was never claimed`);
    }
  }
  return { faults, ...counts };
}

function nameIn({ request }: EffectRecord): string {
  return typeof request === "object" && request !== null && "intent" in request
    ? String(request.intent)
    : "none";
}

/** Equal calls of one execution stand for each other. */
function sameMeaning(result: string, intent: Intent): boolean {
  return result.split(":")[0] === intent.name.split(":")[0];
}

function intentOf(
  name: string,
  random: () => number,
  pick: <One>(list: readonly One[]) => One,
): Intent {
  const kind = pick(["once", "once", "keyed", "idempotent", "transactional"] as const);
  const keyed = random() < 0.4;
  const twin = random() < 0.4;
  return {
    name,
    kind,
    tool: `${kind}${pick(["", "", " other"])}${keyed ? " with key" : ""}`,
    keyed,
    reconciles: random() < 0.5,
    args: twin && !keyed ? "twin" : name,
    reworded: !twin && !keyed && random() < 0.5,
  };
}

/** A plan for the intents: in an order of its own, some at once, under new ids, some in other words. */
function planOf(
  intents: readonly Intent[],
  fresh: (name: string) => string,
  random: () => number,
  again: boolean,
): PlannedCall[][] {
  const order = intents
    .map((intent) => ({ intent, place: again && intent.args !== "twin" ? random() : 0.5 }))
    .toSorted((a, b) => a.place - b.place);
  const batches: PlannedCall[][] = [];
  const equal = new Map<string, number>();
  for (const { intent } of order) {
    const words = again && intent.reworded && random() < 0.5 ? ` in other words` : "";
    const argsHash = `${intent.args}${words}`;
    const ordinal = equal.get(`${intent.tool} ${argsHash}`) ?? 0;
    equal.set(`${intent.tool} ${argsHash}`, ordinal + 1);
    const call = { id: fresh("call"), intent, argsHash, ordinal };
    const last = batches.at(-1);
    if (last !== undefined && random() < 0.5) last.push(call);
    else batches.push([call]);
  }
  return batches;
}

function isExpected(error: unknown): boolean {
  return (
    IdempotencyError.isInstance(error, "lease-lost") ||
    IdempotencyError.isInstance(error, "effect-in-flight") ||
    IdempotencyError.isInstance(error, "effect-unknown") ||
    IdempotencyError.isInstance(error, "store-unavailable")
  );
}
