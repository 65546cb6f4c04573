import { CoreError } from "../errors.ts";
import type { EvenkeelEvent } from "../event/event.ts";
import type { ClaimRequest } from "./effect-ledger.ts";
import type { Subject } from "./stores.ts";

/** What databases hold in four bytes; no execution comes near it. */
const MAX_SEQUENCE = 2_147_483_647;
/** The end of the year 9999: later moments are no moments, and databases refuse them. */
const MAX_TIME = 253_402_300_799_999;
/** Some 300 years: longer ages are that, so that no clock has to count further back. */
const MAX_AGE_MS = 1e13;

/** The JSON text under which a store keeps a value; what is no JSON is refused before it is written. */
export function storedJson(value: unknown, what: string): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  throw new CoreError({
    code: "not-canonical-json",
    message: `${what} cannot be kept: it is no JSON value. Leave out functions, bigints and cycles.`,
    cause,
  });
}

/** Checks the keys of events before a store writes the first of them. */
export function checkedEvents(events: readonly EvenkeelEvent[]): readonly EvenkeelEvent[] {
  for (const { executionId, sequence, threadId } of events) {
    checkedText(executionId, "executionId of an event");
    if (threadId !== null) checkedText(threadId, "threadId of an event");
    if (!Number.isInteger(sequence) || sequence < 1 || sequence > MAX_SEQUENCE) {
      refuse("sequence of an event", `a whole number from 1 to ${MAX_SEQUENCE}`, sequence);
    }
  }
  return events;
}

/** Checks that a key is a text. */
export function checkedText(value: string, what: string): string {
  return typeof value === "string" ? value : refuse(what, "a text", value);
}

/**
 * Checks what is to be erased. A `threadId` that is there but undefined is refused: erasing the
 * whole scope must be asked for by leaving it out.
 */
export function checkedSubject(subject: Subject): Subject {
  checkedText(subject.scope, "scope");
  if ("threadId" in subject) checkedText(subject.threadId, "threadId");
  return subject;
}

/** Checks how many rows are wanted; all of them where nothing is said. */
export function checkedLimit(limit: number | undefined): number | undefined {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY) return undefined;
  const valid = Number.isSafeInteger(limit) && limit >= 0;
  return valid ? limit : refuse("limit", "a whole number from 0", limit);
}

/** Checks the age in milliseconds beyond which rows are erased. */
export function checkedAge({ olderThanMs }: { olderThanMs: number }): number {
  const valid = typeof olderThanMs === "number" && olderThanMs >= 0;
  return valid
    ? Math.min(olderThanMs, MAX_AGE_MS)
    : refuse("olderThanMs", "milliseconds from 0", olderThanMs);
}

/** Longest a lease may hold, in milliseconds: longer ones would outlive any worker. */
const MAX_LEASE_MS = 86_400_000;

/** Checks how long a lease holds, in milliseconds. */
export function checkedLease(leaseMs: number): number {
  const valid = typeof leaseMs === "number" && leaseMs > 0 && leaseMs <= MAX_LEASE_MS;
  return valid
    ? leaseMs
    : refuse("leaseMs", `milliseconds above 0, at most ${MAX_LEASE_MS}`, leaseMs);
}

/** Checks the keys of a claim before a store writes it. */
export function checkedClaim(claim: ClaimRequest): ClaimRequest {
  const { scope, key, executionId, tool, argsHash, claimId, match } = claim;
  for (const [name, text] of Object.entries({ scope, key, executionId, tool, argsHash, claimId })) {
    checkedText(text, `${name} of a claim`);
  }
  checkedLease(claim.leaseMs);
  const { ordinal = 0 } = match ?? {};
  if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal > MAX_SEQUENCE) {
    refuse("ordinal of a claim", `a whole number from 0 to ${MAX_SEQUENCE}`, ordinal);
  }
  return claim;
}

/** The moment a text names, in epoch milliseconds; `now` where it names none, so that no row is lost. */
export function storedTime(text: string | null, now: number): number {
  const time = text === null ? Number.NaN : Date.parse(text);
  return time >= 0 && time <= MAX_TIME ? time : now;
}

function refuse(option: string, allowed: string, came: unknown): never {
  const shown = typeof came === "number" || came === null ? String(came) : typeof came;
  throw new CoreError({
    code: "invalid-options",
    message: `Store: ${option} must be ${allowed}; ${shown} came.`,
    details: { option, allowed },
  });
}
