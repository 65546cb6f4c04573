import { isRecord } from "../plain-json.ts";
import { describeTool } from "./tools.ts";

// LangChain's own, and what createAgent makes of it.
const REFUSALS = new Set<unknown>(["ToolInputParsingException", "ToolInvocationError"]);
const MAXIMUM_CAUSES = 10;

/** True for the error LangChain's tools throw before they run, when arguments do not fit. */
export function refusesArguments(error: unknown): boolean {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < MAXIMUM_CAUSES; depth += 1) {
    const { "~brand": brand } = at as { "~brand"?: unknown };
    if ([at.name, at.constructor.name, brand].some((name) => REFUSALS.has(name))) return true;
    at = at.cause;
  }
  return false;
}

/**
 * True where a tool does not know one of the arguments. Validators drop such an argument without a
 * word: the tool would run, and do something else than what was asked for.
 */
export function wouldLoseArguments(args: unknown, tool: unknown): boolean {
  const { input } = describeTool(tool);
  if (!isRecord(args) || !isRecord(input) || !isRecord(input["properties"])) return false;
  const { properties, additionalProperties } = input;
  if (additionalProperties !== false) return false;
  return Object.keys(args).some((key) => !Object.hasOwn(properties, key));
}
