const BRAND = "evenkeel.error";

/** What an {@link EvenkeelError} is built from. */
export interface EvenkeelErrorFields<Code extends string = string> {
  /** Stable, machine-readable name of what happened. */
  code: Code;
  /** What happened, where, and what to do about it. */
  message: string;
  /** The middleware it happened in, where there is one. */
  middleware?: string | undefined;
  /** The error underneath. */
  cause?: unknown;
  /** Facts for machines: what came, what is allowed, which node or tool. */
  details?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The one error base of Evenkeel: a stable `code`, the middleware it came from and the original
 * failure as `cause`. Recognised by brand, so it survives two installed copies of a package.
 */
export class EvenkeelError<Code extends string = string> extends Error {
  readonly "~brand": typeof BRAND = BRAND;
  readonly code: Code;
  readonly middleware: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(fields: EvenkeelErrorFields<Code>) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = "EvenkeelError";
    this.code = fields.code;
    this.middleware = fields.middleware;
    this.details = fields.details;
  }

  /** True for an Evenkeel error of any installed copy, optionally only of one code. */
  static isInstance(error: unknown, code?: string): error is EvenkeelError {
    if (typeof error !== "object" || error === null) return false;
    const candidate = error as { "~brand"?: unknown; code?: unknown };
    return candidate["~brand"] === BRAND && (code === undefined || candidate.code === code);
  }
}

/** The codes core itself throws. */
export type CoreErrorCode =
  | "invalid-options"
  | "invalid-graph"
  | "invalid-middleware"
  | "duplicate-middleware"
  | "unsupported-hook"
  | "root-state-unsupported"
  | "checkpointer-required"
  | "store-required"
  | "messages-required"
  | "run-seam-required"
  | "call-not-wrapped"
  | "handler-called-twice"
  | "handler-not-awaited"
  | "state-not-declared"
  | "state-version-unsupported"
  | "not-canonical-json"
  | "node-missing"
  | "execution-unknown"
  | "attempt-unavailable"
  | "fork-point-missing"
  | "store-unavailable"
  | "schema-not-set-up"
  | "schema-version-unsupported";

/** A failure of core's own: see {@link CoreErrorCode} for what can happen. */
export class CoreError extends EvenkeelError<CoreErrorCode> {}
