import type { ConformanceOptions } from "../../src/conformance/options.ts";

/** A middleware that breaks one law on purpose. */
export interface Breaker {
  readonly law: number;
  /** What it does wrong. */
  readonly does: string;
  /** What the failure must say. */
  readonly says: RegExp;
  readonly options: ConformanceOptions;
}
