import { EvenkeelError } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { OffloadError } from "../errors.ts";

/** How long one request to a store may take, and who may call it off. */
export interface StorePatience {
  /** Milliseconds. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

type Waiting = <T>(operation: () => Promise<T>) => Promise<T>;

/**
 * The same store, but nobody waits for it for ever: one that is down or slow becomes a coded error.
 * An abort ends the wait with its own reason.
 */
export function timedStore(store: ResultStore, patience: StorePatience): ResultStore {
  const wait: Waiting = (operation) => waitFor(operation, patience);
  return {
    writeResult(owner, startedAt) {
      const writer = store.writeResult(owner, startedAt);
      return {
        write: (chunk) => wait(() => writer.write(chunk)),
        commit: (result) => wait(() => writer.commit(result)),
        // What was called off still has to be cleared away.
        abort: () => waitFor(() => writer.abort(), { ...patience, signal: undefined }),
      };
    },
    linkResult: (owner, result) => wait(() => store.linkResult(owner, result)),
    findResult: (owner, handle) => wait(() => store.findResult(owner, handle)),
    readResult: (owner, handle, range) => wait(() => store.readResult(owner, handle, range)),
    touchResult: (owner, handle, usedAt) => wait(() => store.touchResult(owner, handle, usedAt)),
    removeResult: (owner, handle) => wait(() => store.removeResult(owner, handle)),
    evictResults: (eviction) => wait(() => store.evictResults(eviction)),
    resultUsage: (subject) => wait(() => store.resultUsage(subject)),
    forget: (subject) => wait(() => store.forget(subject)),
    prune: (ages) => wait(() => store.prune(ages)),
  };
}

async function waitFor<T>(
  operation: () => Promise<T>,
  { timeoutMs, signal }: StorePatience,
): Promise<T> {
  signal?.throwIfAborted();
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(tooSlow(timeoutMs)), timeoutMs);
    const onAbort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  });
  try {
    const asked = (async () => operation())();
    return await Promise.race([asked.catch(asStoreError), stopped]);
  } finally {
    stop?.();
  }
}

// What already has a code says more than that the store failed.
function asStoreError(error: unknown): never {
  if (isGraphBubbleUp(error) || EvenkeelError.isInstance(error)) throw error;
  throw new OffloadError({
    code: "store-unavailable",
    message: `The store of tool results failed: ${error instanceof Error ? error.message : String(error)}`,
    cause: error,
  });
}

function tooSlow(timeoutMs: number): OffloadError {
  return new OffloadError({
    code: "store-timeout",
    message: `The store of tool results did not answer within ${timeoutMs} ms.`,
    details: { timeoutMs },
  });
}
