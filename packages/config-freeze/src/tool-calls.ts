import { toolAnswer } from "@evenkeel/core";
import type { ToolCallRequest, ToolResult } from "@evenkeel/core";

import { describeTool } from "./frozen-tools.ts";
import type { FrozenTool } from "./manifest.ts";

/** The implementation of a tool as an execution has it frozen; undefined where there is none. */
export type ToolVersions = Readonly<Record<string, unknown> & { readonly [name: string]: unknown }>;

/** Why a call was answered instead of made. */
export type ToolRefusal = "tool-vanished" | "tool-changed" | "tool-revoked";

/** The implementation that fits a frozen tool: an object, or a function asked with what was frozen. */
export function versionOf(versions: ToolVersions | undefined, frozen: FrozenTool): unknown {
  const given = versions?.[frozen.name];
  const candidate: unknown =
    typeof given === "function" ? (given as (frozen: FrozenTool) => unknown)(frozen) : given;
  if (candidate === undefined || candidate === null) return undefined;
  return describeTool(candidate).hash === frozen.hash || typeof given === "function"
    ? candidate
    : undefined;
}

/** True for a tool that is no longer the one the call was made for. */
export function changed(live: unknown, frozen: FrozenTool): boolean {
  return describeTool(live).hash !== frozen.hash;
}

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

/** The message a call gets that was not made. */
export function refuse(
  request: ToolCallRequest,
  by: string,
  code: ToolRefusal,
  details: Readonly<Record<string, unknown>>,
): ToolResult {
  const { toolCall } = request;
  const texts: Record<ToolRefusal, string> = {
    "tool-vanished": `The tool "${toolCall.name}" is no longer available. Nothing was done. Go on without it.`,
    "tool-changed": `The tool "${toolCall.name}" has changed since this work began and does not accept these arguments any more. Nothing was done. Go on without it.`,
    "tool-revoked": `The tool "${toolCall.name}" must not be used any more. Nothing was done. Go on without it.`,
  };
  return toolAnswer({
    toolCall,
    envelope: {
      v: 1,
      code,
      message: texts[code],
      retryable: false,
      safeToReplay: true,
      by,
      details,
    },
  });
}
