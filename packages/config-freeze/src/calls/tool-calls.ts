import { toolAnswer } from "@evenkeel/core";
import type { Handler, ToolCallRequest, ToolResult } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { answerFor } from "../drift/report.ts";
import { manifestBodies } from "../manifest/bodies.ts";
import type { FrozenTool } from "../manifest/shape.ts";
import type { FreezeContext } from "../options.ts";
import { refusesArguments, wouldLoseArguments } from "../parts/arguments.ts";
import { describeTool } from "../parts/tools.ts";
import { revokedNow } from "../revoke.ts";
import { memoryOf } from "../run/run-memory.ts";
import { frozenSites } from "../site/frozen-sites.ts";
import type { FrozenSite } from "../site/frozen-sites.ts";

/** Implementations of tools as executions have them frozen: a tool, or a function of what was frozen. */
export type ToolVersions = Readonly<Record<string, unknown>>;

/** Makes a tool call by the tool it was made for, or answers it with a code. */
export function freezeToolCall(
  request: ToolCallRequest,
  handler: Handler<ToolCallRequest, ToolResult>,
  context: FreezeContext,
): Promise<ToolResult> {
  return isSettled(request, context) ? handler(request) : freezeCall(request, handler, context);
}

/** True of a call of a tool that is as it is frozen. */
// Without a promise: most calls are.
function isSettled(
  { toolCall: { name }, tool, runtime }: ToolCallRequest,
  context: FreezeContext,
): boolean {
  if (tool === undefined || context.live.revoke !== undefined) return false;
  const sites = frozenSites(context, manifestBodies(context, runtime.store)).opened();
  if (sites === undefined) return false;
  const { hash } = describeTool(tool);
  return frozenTools(name, sites, context).some((frozen) => frozen.hash === hash);
}

async function freezeCall(
  request: ToolCallRequest,
  handler: Handler<ToolCallRequest, ToolResult>,
  context: FreezeContext,
): Promise<ToolResult> {
  const { name, args } = request.toolCall;
  const refuse = (code: ToolRefusal, severity: "medium" | "high"): ToolResult => {
    const event = code === "tool-revoked" ? "revoked" : code;
    context.emit(event, { severity, callId: request.toolCall.id ?? "", detail: { tool: name } });
    return answer(request, code, context);
  };
  const revoked = await revokedNow(context.live.revoke);
  if (revoked.tools.has(name)) return refuse("tool-revoked", "high");
  if (answerFor("run", [], context) === "warn") return handler(request);

  const bodies = manifestBodies(context, request.runtime.store);
  const frozen = frozenTools(name, await frozenSites(context, bodies).all(), context);
  const [first] = frozen;
  const own = request.tool;
  const hash = own === undefined ? undefined : describeTool(own).hash;
  if (first === undefined || frozen.some((tool) => tool.hash === hash)) return handler(request);

  const version = versionOf(context.live.tools, frozen);
  if (version !== undefined) return handler({ ...request, tool: version });
  if (own === undefined) return refuse("tool-vanished", "medium");
  if (wouldLoseArguments(args, own)) return refuse("tool-changed", "medium");
  try {
    return await handler(request);
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    if (!refusesArguments(error)) throw error;
    return refuse("tool-changed", "medium");
  }
}

/** A tool as the call sites of this execution have it, those apart that go by today's. */
function frozenTools(
  name: string,
  sites: readonly FrozenSite[],
  context: FreezeContext,
): FrozenTool[] {
  const { verdicts } = memoryOf(context);
  return sites
    .filter((site) => verdicts.get(site.name)?.answer !== "warn")
    .flatMap(({ manifest }) => manifest.tools)
    .filter((tool) => tool.name === name);
}

function versionOf(versions: ToolVersions | undefined, frozen: readonly FrozenTool[]): unknown {
  for (const tool of frozen) {
    const given =
      versions !== undefined && Object.hasOwn(versions, tool.name)
        ? versions[tool.name]
        : undefined;
    if (typeof given === "function") {
      const made: unknown = (given as (frozen: FrozenTool) => unknown)(tool);
      if (made !== undefined && made !== null) return made;
    } else if (given !== undefined && describeTool(given).hash === tool.hash) return given;
  }
  return undefined;
}

/** Why a call was answered instead of made. */
type ToolRefusal = "tool-vanished" | "tool-changed" | "tool-revoked";

const SAID: Record<ToolRefusal, string> = {
  "tool-vanished": "is no longer available",
  "tool-changed": "has changed since this work began and does not accept these arguments any more",
  "tool-revoked": "must not be used any more",
};

function answer(request: ToolCallRequest, code: ToolRefusal, context: FreezeContext): ToolResult {
  const { toolCall } = request;
  return toolAnswer({
    toolCall,
    envelope: {
      v: 1,
      code,
      message: `The tool "${toolCall.name}" ${SAID[code]}. Nothing was done. Go on without it.`,
      retryable: false,
      safeToReplay: true,
      by: context.live.name,
      details: { tool: toolCall.name },
    },
  });
}
