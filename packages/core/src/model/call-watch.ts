import { BaseCallbackHandler } from "@langchain/core/callbacks/base";

import { nodePath } from "../run/execution.ts";
import { ambientScope } from "../run/scope.ts";
import { reportUnwrapped } from "./report-unwrapped.ts";

/**
 * Sees every model and tool call of a run and reports those that no seam carried: nothing is
 * silently unprotected.
 */
export class CallWatch extends BaseCallbackHandler {
  name = "evenkeel_call_watch";
  override ignoreChain = true;
  override ignoreRetriever = true;
  override ignoreCustomEvent = true;
  // Both: inline, so that the ambient scope is the call's; raised, so that `strict` can refuse it.
  override awaitHandlers = true;
  override raiseError = true;

  override handleChatModelStart(
    _model: unknown,
    _messages: unknown,
    _runId: string,
    _parentRunId?: string,
    _extra?: unknown,
    _tags?: string[],
    metadata?: Record<string, unknown>,
  ): void {
    if (isCarried("model")) return;
    reportUnwrapped("model", "its model is not wrapped", placeOf(metadata));
  }

  override handleLLMNewToken(): void {
    const { call } = ambientScope();
    // Where the watch is alone nobody listens, and it is not asked.
    if (call?.stream !== undefined) call.stream.shown = true;
  }

  override handleToolStart(
    tool: { name?: string; id?: string[] },
    _input: string,
    _runId: string,
    _parentRunId?: string,
    _tags?: string[],
    metadata?: Record<string, unknown>,
    name?: string,
  ): void {
    this.toolStarts(name ?? tool?.name, metadata);
  }

  toolStarts(name: string | undefined, metadata: Record<string, unknown> | undefined): void {
    if (isCarried("tool")) return;
    reportUnwrapped("tool", `tool ${name ?? "unknown"}`, placeOf(metadata));
  }
}

/** True where the call that begins is the one a seam carries, or one that a hook makes for itself. */
function isCarried(kind: "model" | "tool"): boolean {
  const { call } = ambientScope();
  if (call === undefined) return false;
  const { tool } = call;
  if (tool === undefined) return true;
  if (tool.begun) return false;
  // From here on, as in a subagent's task, calls inside this one are calls again.
  if (kind === "tool") tool.begun = true;
  return true;
}

function placeOf(metadata: Record<string, unknown> | undefined): string | undefined {
  const namespace = metadata?.["langgraph_checkpoint_ns"] ?? metadata?.["checkpoint_ns"];
  return typeof namespace === "string" && namespace !== "" ? nodePath(namespace) : undefined;
}

/** The watch. One for all runs: it keeps nothing, what it needs is ambient. */
export const watch: CallWatch = new CallWatch();
