import { BaseCallbackHandler } from "@langchain/core/callbacks/base";

import { nodePath } from "../run/execution.ts";
import { ambientScope } from "../run/scope.ts";
import { reportUnwrapped } from "./report-unwrapped.ts";

/**
 * Sees every model and tool call of a run and reports those that no seam carried: nothing is
 * silently unprotected.
 */
class CallWatch extends BaseCallbackHandler {
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
    if (isCarried("tool")) return;
    reportUnwrapped("tool", `tool ${name ?? tool?.name ?? "unknown"}`, placeOf(metadata));
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

// One for all runs: it keeps nothing, what it needs is ambient.
const watch = new CallWatch();

interface ManagerLike {
  readonly handlers: readonly unknown[];
  copy(): ManagerLike;
  addHandler(handler: unknown, inherit: boolean): void;
}

/**
 * Callbacks that also see which calls passed no seam. A node adds them, so that no stream of its
 * graph shows them, and a node of a subgraph inherits them.
 */
export function watched(callbacks: unknown): unknown {
  if (callbacks === undefined || callbacks === null) return [watch];
  if (Array.isArray(callbacks)) return [...(callbacks as unknown[]), watch];
  const given = callbacks as ManagerLike;
  if (given.handlers.includes(watch)) return given;
  const manager = given.copy();
  manager.addHandler(watch, true);
  return manager;
}

/** Callbacks of a model call that a seam carries: in it a watch that is alone has nothing to see. */
export function unwatched(callbacks: unknown): unknown {
  const handlers = Array.isArray(callbacks)
    ? (callbacks as unknown[])
    : (callbacks as ManagerLike | undefined)?.handlers;
  // Not undefined: LangChain would fall back to the ambient callbacks, which are the node's.
  return handlers?.length === 1 && handlers[0] === watch ? [] : callbacks;
}
