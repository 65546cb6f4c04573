import { CoreError, memoryStore } from "@evenkeel/core";
import type { EffectKind, EvenkeelStore, Settlement } from "@evenkeel/core";

import type { Process, Scheduler } from "./scheduler.ts";

/** What the world outside the agent remembers of effects, whatever the agent believes. */
export interface Outside {
  /** Lets an effect happen; a keyed one happens once a key, an idempotent one once a meaning. */
  happen(intent: string, kind: EffectKind, key: string): string;
  /** How often it happened. */
  count(intent: string): number;
  result(intent: string): string | undefined;
}

/** A world outside with a log of its own. */
export function outside(): Outside {
  const log = new Map<string, string[]>();
  return {
    happen(intent, kind, key) {
      const marks = log.get(intent) ?? [];
      const mark = kind === "keyed" ? key : kind === "idempotent" ? "same" : `#${marks.length}`;
      if (!marks.includes(mark)) log.set(intent, [...marks, mark]);
      return `${intent}:${mark}`;
    },
    count: (intent) => log.get(intent)?.length ?? 0,
    result: (intent) => {
      const mark = log.get(intent)?.at(-1);
      return mark === undefined ? undefined : `${intent}:${mark}`;
    },
  };
}

/** How a store misbehaves: the call fails before it was applied, or after, when only its answer is lost. */
export interface Faults {
  readonly failChance: number;
  readonly tearChance: number;
  readonly crashChance: number;
}

/** A defect put into the store on purpose, to see that the simulation finds it. */
export type Plant = "settles-any-token" | "takes-the-dead" | "ignores-the-lease" | "forgets-ids";

/** Everything a process does with the store: other processes in between, failures, torn answers, death. */
export function storeOf(
  shared: EvenkeelStore,
  process: Process,
  world: {
    readonly scheduler: Scheduler;
    readonly random: () => number;
    readonly faults: () => Faults;
    readonly crash: (process: Process) => void;
  },
): EvenkeelStore {
  const { scheduler, random, faults, crash } = world;
  const unavailable = (): Error =>
    new CoreError({ code: "store-unavailable", message: "The simulated store did not answer." });

  async function through<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const { failChance, tearChance, crashChance } = faults();
    if (random() < crashChance) crash(process);
    await scheduler.turn(process);
    if (random() < failChance) throw unavailable();
    const answer = await call();
    if (random() < crashChance) crash(process);
    await scheduler.turn(process);
    if (random() < tearChance) throw unavailable();
    return answer;
  }

  return {
    ...shared,
    claimEffect: (request) => through(() => shared.claimEffect(request)),
    settleEffect: (claim, settlement) => through(() => shared.settleEffect(claim, settlement)),
    acquireLease: (request) => through(() => shared.acquireLease(request)),
    releaseLease: (lease) => through(() => shared.releaseLease(lease)),
    renewLease: (lease, leaseMs) => through(() => shared.renewLease(lease, leaseMs)),
    extendEffects: (claims, leaseMs) => through(() => shared.extendEffects(claims, leaseMs)),
  };
}

/** The store itself, with a defect where one is planted. */
export function sharedStore(now: () => number, plant: Plant | undefined): EvenkeelStore {
  const store = memoryStore({ now });
  switch (plant) {
    case undefined:
      return store;
    case "settles-any-token":
      return {
        ...store,
        settleEffect: async (claim, settlement: Settlement) => {
          const row = await store.lookupEffect(claim.scope, claim.key);
          const token = row?.token ?? claim.token;
          return store.settleEffect({ ...claim, token }, settlement);
        },
      };
    case "takes-the-dead":
      return {
        ...store,
        claimEffect: (request) => store.claimEffect({ ...request, take: "dead" }),
      };
    case "ignores-the-lease":
      return {
        ...store,
        acquireLease: (request) => store.acquireLease({ ...request, owner: "anybody" }),
        claimEffect: (request) => store.claimEffect({ ...request, fence: null }),
      };
    case "forgets-ids":
      return {
        ...store,
        claimEffect: (request) =>
          store.claimEffect({
            ...request,
            match: request.match && { ...request.match, ordinal: 0, replan: true },
          }),
      };
  }
}

/** The store with a witness beside it, who notes when two workers hold one execution, or one settles without it. */
export function witnessed(
  store: EvenkeelStore,
  now: () => number,
  note: (fault: string) => void,
): EvenkeelStore {
  const holders = new Map<string, { owner: string; token: number; until: number }>();
  const fences = new Map<string, { executionId: string; fence: number }>();
  return {
    ...store,
    async acquireLease(request) {
      const { executionId, owner, leaseMs } = request;
      const outcome = await store.acquireLease(request);
      const before = holders.get(executionId);
      if (!outcome.granted) return outcome;
      if (before !== undefined && before.owner !== owner && before.until > now()) {
        note(`${owner} was granted ${executionId} while ${before.owner} held it`);
      }
      holders.set(executionId, { owner, token: outcome.lease.token, until: now() + leaseMs });
      return outcome;
    },
    async releaseLease(lease) {
      const holder = holders.get(lease.executionId);
      if (holder?.token === lease.token) holder.until = 0;
      return store.releaseLease(lease);
    },
    async claimEffect(request) {
      const outcome = await store.claimEffect(request);
      const { executionId, fence } = request;
      if (outcome.status === "claimed" && fence !== null) {
        fences.set(JSON.stringify(outcome.claim), { executionId, fence });
      }
      return outcome;
    },
    async settleEffect(claim, settlement) {
      const settled = await store.settleEffect(claim, settlement);
      const under = fences.get(JSON.stringify(claim));
      const holder = under && holders.get(under.executionId);
      if (settled && holder?.token !== under?.fence) {
        note(`${claim.key} was settled by a worker that had lost its execution`);
      }
      return settled;
    },
  };
}
