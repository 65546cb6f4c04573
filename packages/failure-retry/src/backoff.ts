/** How pauses grow, in LangGraph's RetryPolicy names. */
export interface BackoffOptions {
  readonly initialInterval: number;
  readonly backoffFactor: number;
  readonly maxInterval: number;
  readonly jitter: boolean;
}

/**
 * The pause in milliseconds after so many failed tries. What a server asked for is honoured, up to
 * the longest pause there is; jitter shortens a pause of our own by up to half, never a server's.
 */
export function pauseMs(
  failures: number,
  { initialInterval, backoffFactor, maxInterval, jitter }: BackoffOptions,
  random: () => number,
  askedMs?: number,
): number {
  if (askedMs !== undefined) return Math.min(Math.max(0, askedMs), maxInterval);
  const grown = initialInterval * backoffFactor ** Math.max(0, failures - 1);
  const pause = Math.min(Number.isFinite(grown) ? grown : maxInterval, maxInterval);
  return jitter ? Math.round(pause * (0.5 + 0.5 * random())) : pause;
}

/** Waits, or rejects with the reason of `signal` as soon as it aborts; no timer is left behind. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException("Aborted", "AbortError");
}

/** Runs `work`, or rejects with what `late` makes once it has taken too long. */
export async function within<Result>(
  ms: number,
  work: () => Result | Promise<Result>,
  late: () => Error,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([(async () => work())(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
