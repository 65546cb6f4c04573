import { EvenkeelError } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { OffloadError } from "../errors.ts";

/** How long a store may take, and who may call it off. */
export interface StoreCallOptions {
  /** Milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Waits for a store, but not for ever: a store that is down or slow becomes a coded error. An abort
 * ends the wait with its own reason.
 */
export async function callStore<T>(
  operation: () => Promise<T>,
  { timeoutMs, signal }: StoreCallOptions,
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
