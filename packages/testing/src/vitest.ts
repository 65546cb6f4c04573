/** The conformance kit with vitest as its runner. */
import { describe, test } from "vitest";

import { conformance as conformanceList } from "./conformance/conformance.ts";
import type { ConformanceTest } from "./conformance/conformance.ts";
import type { ConformanceOptions, ConformanceRunner } from "./conformance/options.ts";

const TIMEOUT_MS = 60_000;

const runner: ConformanceRunner = {
  describe,
  // A law runs dozens of graphs, which a busy machine does not do in five seconds.
  test: (title, body) => Reflect.apply(test, undefined, [title, body, TIMEOUT_MS]) as void,
};

/**
 * Makes vitest tests of the nineteen laws every middleware of Evenkeel keeps: see `conformance`.
 *
 * Error behavior: bad options throw `invalid-options` when the test file is read; a broken law fails
 * its test. Output: the laws as a list. State: none. When it fires: with the tests of the file.
 *
 * @example
 * ```ts
 * conformance({ create: () => loopDetectionMiddleware(), others: [() => runFlagsMiddleware()] });
 * ```
 */
export function conformance(
  options: Omit<ConformanceOptions, "runner">,
): readonly ConformanceTest[] {
  return conformanceList({ ...options, runner });
}
