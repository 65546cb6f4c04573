import type { ToolCallRequest } from "@evenkeel/core";
import { ToolInputParsingException } from "@langchain/core/tools";
import {
  type InteropZodType,
  interopSafeParseAsync,
  isInteropZodSchema,
} from "@langchain/core/utils/types";

/**
 * Whether a call was refused by the schema of the very tool it is for, and so never reached it. A tool
 * that did its work and then called another one with bad arguments fails with an error of the same kind.
 */
export async function neverBegan(
  error: unknown,
  { toolCall, tool }: ToolCallRequest,
): Promise<boolean> {
  const refused = refusedInput(error);
  if (refused === undefined) return false;
  // Called by its tool call, the refused input carries the call's id.
  if (isRecord(refused) && refused["type"] === "tool_call") return refused["id"] === toolCall.id;
  if (JSON.stringify(refused) !== JSON.stringify(toolCall.args)) return false;
  const { schema }: { schema?: unknown } = isRecord(tool) ? tool : {};
  if (!isInteropZodSchema(schema)) return false;
  return !(await interopSafeParseAsync(schema as InteropZodType, toolCall.args)).success;
}

/** The input that a tool's schema refused, as LangChain's error holds it. */
function refusedInput(error: unknown): unknown {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { output }: { output?: unknown } = one as Error & { output?: unknown };
    // Another copy of LangChain's core has a class of its own.
    const refusal =
      one instanceof ToolInputParsingException ||
      one.constructor.name === "ToolInputParsingException";
    if (!refusal || typeof output !== "string") continue;
    try {
      return JSON.parse(output);
    } catch {
      return undefined;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
