import { RunFlagsError } from "../errors.ts";

/** Work that goes on after a run has ended; none of it can fail or delay a run. */
export interface Outbox {
  /** Does a piece of work once. Settles with whether it was done; a failure is reported. */
  post(what: string, work: () => Promise<unknown>): Promise<boolean>;
  /** The same, and again while LangSmith answers that the run is not there yet. */
  postOnceIngested(what: string, work: (attempt: number) => Promise<unknown>): Promise<boolean>;
  /** Waits until nothing is under way. */
  flush(): Promise<void>;
}

type Work = (attempt: number) => Promise<unknown>;

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
  const underWay = new Set<Promise<boolean>>();
  const report = (code: "review-failed" | "review-dropped", message: string, cause?: unknown) =>
    onError(new RunFlagsError({ code, middleware: "runFlagsMiddleware", message, cause }));

  async function deliver(what: string, work: Work, mostTries: number): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work(attempt);
        return true;
      } catch (error) {
        // A run is there only once LangSmith has ingested it; its client retries the rest itself.
        if (!isNotFound(error) || attempt >= mostTries) {
          report("review-failed", `${what} was given up at try ${attempt}.`, error);
          return false;
        }
        await pause(Math.min(MOST_DELAY_MS, delayMs * 2 ** (attempt - 1)));
      }
    }
  }

  function begin(what: string, work: Work, mostTries: number): Promise<boolean> {
    if (underWay.size >= most) {
      report("review-dropped", `${what} was dropped: ${most} others are under way.`);
      return Promise.resolve(false);
    }
    const delivery: Promise<boolean> = deliver(what, work, mostTries)
      .catch(() => false)
      .finally(() => underWay.delete(delivery));
    underWay.add(delivery);
    return delivery;
  }

  return {
    post: (what, work) => begin(what, work, 1),
    postOnceIngested: (what, work) => begin(what, work, tries),
    async flush() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** LangSmith says that something is not there, or not yet. */
export function isNotFound(error: unknown): boolean {
  const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown };
  return status === 404 || (typeof message === "string" && /\b404\b|not found/i.test(message));
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
