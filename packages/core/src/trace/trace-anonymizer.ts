import { redact } from "../redact/redact.ts";
import type { RedactOptions } from "../redact/redact.ts";

/**
 * Masks secrets in every run a langsmith client sends: in inputs, outputs, metadata and errors, by
 * the names of keys and by the form of values. The run itself is not touched; nothing else is cut.
 *
 * @example
 * ```ts
 * import { Client } from "langsmith";
 *
 * const client = new Client({ anonymizer: traceAnonymizer() });
 * ```
 */
export function traceAnonymizer(
  options: Pick<RedactOptions, "isSecret"> = {},
): (values: Record<string, unknown>) => Record<string, unknown> {
  const whole = {
    ...options,
    maxDepth: 100,
    maxString: Infinity,
    maxMembers: Infinity,
    maxValues: Infinity,
    maxCharacters: Infinity,
  };
  return (values) => {
    const masked = redact(values, whole);
    return typeof masked === "object" && masked !== null && !Array.isArray(masked)
      ? masked
      : { value: masked };
  };
}
