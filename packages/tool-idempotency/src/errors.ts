import { EvenkeelError } from "@evenkeel/core";

/** What can go wrong where effects are kept from happening twice. */
export type IdempotencyErrorCode =
  | "invalid-options"
  | "execution-busy"
  | "lease-lost"
  | "effect-in-flight"
  | "effect-conflict"
  | "effect-unknown"
  | "effect-replanned"
  | "effect-key-invalid"
  | "effect-not-claimed"
  | "checkpoint-not-durable"
  | "transaction-unsupported"
  | "reconcile-failed"
  | "decision-invalid"
  | "result-unreadable"
  | "no-effect-here";

/** A failure of tool-idempotency's own: see {@link IdempotencyErrorCode} for what can happen. */
export class IdempotencyError extends EvenkeelError<IdempotencyErrorCode> {}
