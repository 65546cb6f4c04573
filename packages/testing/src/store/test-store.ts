import type { EvenkeelStore } from "@evenkeel/core";

import { boundsCases } from "./cases-bounds.ts";
import { breakerCases } from "./cases-breakers.ts";
import { effectCases } from "./cases-effects.ts";
import { erasingCases } from "./cases-erasing.ts";
import { keepingCases } from "./cases-keeping.ts";
import { leaseCases } from "./cases-leases.ts";
import { matchCases } from "./cases-matching.ts";

/** One law of a store: rejects where the store breaks it. */
export interface StoreCase {
  /** The law, as a fact. */
  name: string;
  run: (store: EvenkeelStore) => Promise<void>;
}

/** How {@link testStore} comes by the store under test. */
export interface TestStoreOptions<Store extends EvenkeelStore = EvenkeelStore> {
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

/** Every law of a store, for a runner that brings the store itself. */
export const storeCases: readonly StoreCase[] = [
  ...keepingCases,
  ...erasingCases,
  ...boundsCases,
  ...effectCases,
  ...matchCases,
  ...leaseCases,
  ...breakerCases,
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
export function testStore<Store extends EvenkeelStore>({
  create,
  destroy,
}: TestStoreOptions<Store>): BoundStoreCase[] {
  return storeCases.map(({ name, run }) => ({
    name,
    run: async () => {
      const store = await create();
      try {
        await run(store);
      } finally {
        await destroy?.(store);
      }
    },
  }));
}
