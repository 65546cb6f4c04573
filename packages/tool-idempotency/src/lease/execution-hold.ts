import { AsyncLocalStorage } from "node:async_hooks";

import { EvenkeelError, uniqueId } from "@evenkeel/core";
import type { HeldLease, RunOutcome, RunRequest } from "@evenkeel/core";

import { codedStore } from "../coded-store.ts";
import { BRANCH_CHANNEL } from "../effects-channel.ts";
import { IdempotencyError } from "../errors.ts";
import type { IdempotencyContext } from "../options.ts";
import { sleep } from "../sleep.ts";
import { heartbeat } from "./heartbeat.ts";

/** What a run remembers, in this process, of the execution it holds. */
export interface Hold {
  readonly lease: HeldLease;
  /** Effects at work, which the lease outlives. */
  readonly work: Set<Promise<unknown>>;
  readonly durability: string | undefined;
}

const HOLD = "hold";
const TRIES = 4;

/** The hold of the run that asks; undefined where there is no run seam, or nothing holds. */
export function holdOf(context: IdempotencyContext): Hold | undefined {
  return context.memory.get(HOLD) as Hold | undefined;
}

/** Carries a run under the lease of its execution: one worker at a time, and none that lost it. */
export async function holdExecution(
  request: RunRequest,
  handler: (request: RunRequest) => Promise<RunOutcome>,
  context: IdempotencyContext,
): Promise<RunOutcome> {
  noteFork(request, context);
  if (context.mode === "observe") return handler(request);
  const shared = await sharedHold(request, context);
  if (shared === undefined) return holdAnew(request, handler, context);
  context.memory.set(HOLD, shared);
  try {
    return await handler(request);
  } finally {
    context.memory.delete(HOLD);
  }
}

const around = new AsyncLocalStorage<Hold>();

/** What another instance around this one holds: two of them in one worker are one worker. */
async function sharedHold(
  { execution }: RunRequest,
  { live }: IdempotencyContext,
): Promise<Hold | undefined> {
  const outer = around.getStore();
  if (outer === undefined) return undefined;
  const { executionId, scope } = outer.lease;
  if (executionId !== execution.id || scope !== execution.scope) return undefined;
  // In another store, the token is nobody's, or stands for another execution.
  return (await live.store.holdsLease(outer.lease)) ? outer : undefined;
}

async function holdAnew(
  request: RunRequest,
  handler: (request: RunRequest) => Promise<RunOutcome>,
  context: IdempotencyContext,
): Promise<RunOutcome> {
  const { leaseMs } = context.options;
  const lease = await acquire(request, context);
  const hold: Hold = { lease, work: new Set(), durability: durabilityOf(request) };
  context.memory.set(HOLD, hold);
  const lost = new AbortController();
  const stop = keep(lease, context, () => lost.abort(leaseLost(lease, context.live.name)));
  try {
    // Whoever held it until now may have gone on with the thread since it was read.
    if (!(await request.readAgain())) throw overtaken(request, context.live.name);
    const { signal } = request.config;
    const signals = signal === undefined ? [lost.signal] : [signal, lost.signal];
    const config = { ...request.config, signal: AbortSignal.any(signals) };
    const outcome = await around.run(hold, () => handler({ ...request, config }));
    if (!lost.signal.aborted || outcome.status === "completed") return outcome;
    return { status: "failed", error: leaseLost(lease, context.live.name) };
  } finally {
    // A sibling of a failed call may still be at its effect, which must be settled under this lease.
    await settled(hold.work, leaseMs);
    stop();
    context.memory.delete(HOLD);
    await context.live.store.releaseLease(lease).catch(() => false);
  }
}

function noteFork({ config, execution, input }: RunRequest, context: IdempotencyContext): void {
  const at = config.configurable?.["checkpoint_id"];
  const continues = !execution.isNew && (input === null || typeof input === "object");
  if (at === undefined || at === null || !continues) return;
  context.state.write(BRANCH_CHANNEL, { branch: uniqueId() });
}

function durabilityOf({ config }: RunRequest): string | undefined {
  const { durability, checkpointDuring } = config;
  if (typeof durability === "string") return durability;
  return checkpointDuring === false ? "exit" : checkpointDuring === true ? "async" : undefined;
}

async function acquire(request: RunRequest, context: IdempotencyContext): Promise<HeldLease> {
  const { execution, supersedes } = request;
  const store = codedStore(context.live.store, context.live.name);
  const { leaseMs } = context.options;
  const owner = uniqueId();
  for (let tries = 1; ; tries += 1) {
    try {
      const { id: executionId, scope, threadId } = execution;
      const wanted = { scope, executionId, threadId, owner, leaseMs };
      const outcome = await store.acquireLease({ ...wanted, supersedes: supersedes?.executionId });
      if (outcome.granted) return outcome.lease;
      throw new IdempotencyError({
        code: "execution-busy",
        middleware: context.live.name,
        message: `Execution ${executionId} is carried on by another worker, for ${Math.ceil(outcome.remainingMs)} ms more unless it renews. Resume it after that; nothing was run here.`,
        details: { executionId, threadId, remainingMs: outcome.remainingMs },
      });
    } catch (error) {
      const unavailable = EvenkeelError.isInstance(error, "store-unavailable");
      if (!unavailable || tries >= TRIES) throw error;
      await sleep(50 * 2 ** tries, request.config.signal);
    }
  }
}

/** Renews the lease while the run lasts; once it is lost, or may be, the run must not go on. */
function keep(lease: HeldLease, context: IdempotencyContext, onLost: () => void): () => void {
  const { leaseMs } = context.options;
  let heldUntil = performance.now() + leaseMs;
  return heartbeat(leaseMs, async () => {
    const askedAt = performance.now();
    try {
      if (await context.live.store.renewLease(lease, leaseMs)) heldUntil = askedAt + leaseMs;
      else onLost();
    } catch {
      // The store does not answer: until the lease has run out, nobody else can have it.
      if (performance.now() > heldUntil) onLost();
    }
  });
}

function leaseLost({ executionId }: HeldLease, middleware: string): IdempotencyError {
  return new IdempotencyError({
    code: "lease-lost",
    middleware,
    message: `This worker lost execution ${executionId}: its lease ran out, or a newer input or another worker took it. What it was doing is recorded as unfinished.`,
    details: { executionId },
  });
}

function overtaken({ execution }: RunRequest, middleware: string): IdempotencyError {
  const { id: executionId, threadId } = execution;
  return new IdempotencyError({
    code: "execution-busy",
    middleware,
    message: `Thread ${threadId ?? ""} went on to another execution while execution ${executionId} was taken up; nothing was run here. Ask again.`,
    details: { executionId, threadId, remainingMs: 0 },
  });
}

async function settled(work: ReadonlySet<Promise<unknown>>, mostMs: number): Promise<void> {
  if (work.size === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((done) => {
    timer = setTimeout(done, mostMs);
  });
  await Promise.race([Promise.allSettled(work), enough]);
  clearTimeout(timer);
}
