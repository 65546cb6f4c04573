import { isCommand } from "@langchain/langgraph";

/**
 * Validates an input by the user's schema and lets pass what foreign middleware added to the state:
 * the schema knows nothing of it, so zod would drop it, or refuse it.
 */
export async function validateShared(
  input: unknown,
  shared: readonly string[],
  validate: (own: unknown) => Promise<unknown>,
): Promise<unknown> {
  if (shared.length === 0 || typeof input !== "object" || input === null || isCommand(input)) {
    return validate(input);
  }
  const entries = Object.entries(input);
  const own = entries.filter(([key]) => !shared.includes(key));
  if (own.length === entries.length) return validate(input);
  const added = entries.filter(([key]) => shared.includes(key));
  return {
    ...((await validate(Object.fromEntries(own))) as object),
    ...Object.fromEntries(added),
  };
}
