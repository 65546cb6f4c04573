import { conformance } from "./conformance.ts";
import { ConformanceError } from "./error.ts";
import type { ConformanceOptions } from "./options.ts";

/**
 * Checks a middleware against all nineteen laws in one call, for test runners of any kind and for
 * scripts: see `conformance`, which makes a test of each.
 *
 * Error behavior: bad options reject with `invalid-options`; broken laws with one `law-broken` error
 * that says of each what happened and what to do. Output: the titles of the laws it keeps. State:
 * none. When it fires: once, law after law.
 *
 * @example
 * ```ts
 * await expectConformance({ create: () => loopDetectionMiddleware() });
 * ```
 */
export async function expectConformance(
  options: Omit<ConformanceOptions, "runner">,
): Promise<readonly string[]> {
  const laws = conformance(options);
  const broken: { readonly law: number; readonly message: string }[] = [];
  for (const { law, run } of laws) {
    try {
      await run();
    } catch (error) {
      // Anything else says that the kit itself cannot go on.
      if (!ConformanceError.isInstance(error, "law-broken")) throw error;
      broken.push({ law, message: error.message });
    }
  }
  if (broken.length === 0) return laws.map(({ title }) => title);
  throw new ConformanceError({
    code: "law-broken",
    message: [
      `${options.create().name} breaks ${broken.length} of ${laws.length} laws.`,
      ...broken.map(({ message }) => message),
    ].join("\n\n"),
    details: { laws: broken.map(({ law }) => law) },
  });
}
