/** The right to carry an execution on, until another worker takes it. */
export interface HeldLease {
  readonly scope: string;
  readonly executionId: string;
  /** Fencing token: higher than that of anyone who held an execution before. */
  readonly token: number;
}

/** What a worker asks before it carries an execution on. */
export interface LeaseRequest {
  readonly scope: string;
  readonly executionId: string;
  readonly threadId: string | null;
  /** Names the worker's run: the same owner asking twice is granted twice. */
  readonly owner: string;
  /** How long it holds without being renewed, in milliseconds of the store's clock. */
  readonly leaseMs: number;
  /** An execution that this one ends: whoever holds it loses it in the same breath. */
  readonly supersedes?: string | undefined;
}

/** How a lease was answered. */
export type LeaseOutcome =
  | { readonly granted: true; readonly lease: HeldLease }
  /** Another worker holds it, for `remainingMs` more unless it renews. */
  | { readonly granted: false; readonly owner: string; readonly remainingMs: number };

/**
 * Who carries an execution on: one worker at a time. Every call is atomic, one round trip, and goes
 * by the store's clock; a dead worker's lease runs out by itself.
 */
export interface ExecutionLease {
  acquireLease(request: LeaseRequest): Promise<LeaseOutcome>;
  /** Lets a lease hold `leaseMs` milliseconds from now; false where it was lost to another worker. */
  renewLease(lease: HeldLease, leaseMs: number): Promise<boolean>;
  /** Gives it back, so that nobody has to wait; false where it was lost. What was claimed under it can still be settled until another worker takes it. */
  releaseLease(lease: HeldLease): Promise<boolean>;
  /** Whether a lease is still the worker's: held, or run out and taken by nobody. */
  holdsLease(lease: HeldLease): Promise<boolean>;
}
