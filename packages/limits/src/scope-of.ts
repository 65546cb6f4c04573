import type { ExecutionInfo } from "@evenkeel/core";

import { LimitsError } from "./errors.ts";

/** Says whose calls share something of the process. */
export type ScopeOf = (execution: ExecutionInfo) => string;

/** Asks for a scope; tenants are told apart by it, so one that is none ends the call. */
export function scopeOf(scope: ScopeOf, execution: ExecutionInfo, middleware: string): string {
  const invalid = (came: string, cause?: unknown): LimitsError =>
    new LimitsError({
      code: "scope-invalid",
      middleware,
      message: `${middleware}: \`scope\` ${came}; a text is allowed.`,
      cause,
    });
  let given: unknown;
  try {
    given = scope(execution);
  } catch (error) {
    throw invalid("threw", error);
  }
  if (typeof given === "string") return given;
  throw invalid(`gave ${given === null ? "null" : `a ${typeof given}`}`);
}
