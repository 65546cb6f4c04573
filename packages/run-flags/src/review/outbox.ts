import { RunFlagsError } from "../errors.ts";

/** Work that goes on after a run has ended; none of it can fail or delay a run. */
export interface Outbox {
  /** Begins a piece of work now, and again while LangSmith answers that the run is not there yet. */
  post(what: string, work: () => Promise<unknown>): void;
  /** Waits until nothing is under way. */
  flush(): Promise<void>;
}

/** How an {@link Outbox} behaves. */
export interface OutboxOptions {
  /** Hears what was given up, as an error with a code. */
  onError: (error: unknown) => void;
  /** Tries of a piece of work that is answered with 404. @default 12 */
  tries?: number;
  /** Milliseconds before the second try; doubled each time, up to 30 seconds. @default 250 */
  delayMs?: number;
  /** Pieces under way; what comes beyond is dropped and reported. @default 1000 */
  most?: number;
}

const MOST_DELAY_MS = 30_000;

/** Makes an empty outbox. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { onError, tries = 12, delayMs = 250, most = 1_000 } = options;
  const underWay = new Set<Promise<void>>();
  const report = (code: "review-failed" | "review-dropped", message: string, cause?: unknown) =>
    onError(new RunFlagsError({ code, middleware: "runFlagsMiddleware", message, cause }));

  async function deliver(what: string, work: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work();
        return;
      } catch (error) {
        // A run is there only once LangSmith has ingested it; its client retries the rest itself.
        if (!isNotFound(error) || attempt >= tries) {
          report("review-failed", `${what} was given up after ${attempt} tries.`, error);
          return;
        }
        await pause(Math.min(MOST_DELAY_MS, delayMs * 2 ** (attempt - 1)));
      }
    }
  }

  return {
    post(what, work) {
      if (underWay.size >= most) {
        report("review-dropped", `${what} was dropped: ${most} others are under way.`);
        return;
      }
      const delivery: Promise<void> = deliver(what, work)
        .catch(() => undefined)
        .finally(() => underWay.delete(delivery));
      underWay.add(delivery);
    },
    async flush() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

function isNotFound(error: unknown): boolean {
  const { status, message } = error as { status?: unknown; message?: unknown };
  return status === 404 || (typeof message === "string" && /\b404\b|not found/i.test(message));
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
