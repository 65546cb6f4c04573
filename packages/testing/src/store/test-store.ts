import type { EvenkeelStore, ResultStore } from "@evenkeel/core";

import { boundsCases } from "./cases-bounds.ts";
import { breakerCases } from "./cases-breakers.ts";
import { effectCases } from "./cases-effects.ts";
import { erasingCases } from "./cases-erasing.ts";
import { keepingCases } from "./cases-keeping.ts";
import { leaseCases } from "./cases-leases.ts";
import { matchCases } from "./cases-matching.ts";
import { recordCases } from "./cases-records.ts";
import { resultGoingCases } from "./cases-results-going.ts";
import { resultCases } from "./cases-results.ts";

/** One law of a store: rejects where the store breaks it. */
export interface StoreCase<Store = EvenkeelStore> {
  /** The law, as a fact. */
  name: string;
  run: (store: Store) => Promise<void>;
}

/** How {@link testStore} comes by the store under test. */
export interface TestStoreOptions<Store> {
  /** Makes the store for one case; it may be the same one each time, and need not be empty. */
  create: () => Promise<Store> | Store;
  /** Takes it down after the case, also a failed one. */
  destroy?: (store: Store) => Promise<void> | void;
}

/** A case with its store, ready for any test runner. */
export interface BoundStoreCase {
  name: string;
  run: () => Promise<void>;
}

const resultStoreCases: readonly StoreCase<ResultStore>[] = [...resultCases, ...resultGoingCases];

/** Every law of a store, for a runner that brings the store itself. */
export const storeCases: readonly StoreCase[] = [
  ...keepingCases,
  ...recordCases,
  ...erasingCases,
  ...boundsCases,
  ...effectCases,
  ...matchCases,
  ...leaseCases,
  ...breakerCases,
  ...resultStoreCases,
];

/**
 * The laws any `EvenkeelStore` keeps, as named cases for any test runner: order, idempotence,
 * scopes that never meet, erasing, odd ids, hostile and large bodies, many writers at once, and that
 * of two workers only one does an effect or carries an execution on.
 *
 * @example
 * ```ts
 * it.each(testStore({ create: () => memoryStore() }))("$name", ({ run }) => run());
 * ```
 */
export function testStore<Store extends EvenkeelStore>(
  options: TestStoreOptions<Store>,
): BoundStoreCase[] {
  return storeCases.map((law) => bound(law, options));
}

/** The laws of a `ResultStore` alone, for a driver that keeps large tool results and nothing else. */
export function testResultStore<Store extends ResultStore>(
  options: TestStoreOptions<Store>,
): BoundStoreCase[] {
  return resultStoreCases.map((law) => bound(law, options));
}

function bound<Store>(
  { name, run }: StoreCase<Store>,
  { create, destroy }: TestStoreOptions<Store>,
): BoundStoreCase {
  return {
    name,
    run: async () => {
      const store = await create();
      try {
        await run(store);
      } finally {
        await destroy?.(store);
      }
    },
  };
}
