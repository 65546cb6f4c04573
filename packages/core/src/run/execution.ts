import type { RunnableConfig } from "@langchain/core/runnables";
import { getConfig } from "@langchain/langgraph";

import { sha256 } from "../store/canonical-json.ts";

/** One user input carried to its answer, with every retry, pause, crash and resume in between. */
export interface ExecutionInfo {
  readonly id: string;
  /** 1-based number of the try. */
  readonly attempt: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly threadId: string | null;
  /** Prefix of every key, handle and baseline: tenants never meet. */
  readonly scope: string;
  /** False where the run continues an execution that the checkpoint holds. */
  readonly isNew: boolean;
  /** Hash of the frozen manifest, where the configuration is frozen. */
  readonly manifestHash: string | null;
  /** Derived from thread and message id because the run seam was not there when it began. */
  readonly derived: boolean;
}

/** The private channel that carries an execution's identity. */
export const EXECUTION_CHANNEL = "_execution";

/** Where a call stands in its graph: checkpoint namespace without task ids. */
export function nodePath(checkpointNamespace: string): string {
  const task = checkpointNamespace.indexOf(":");
  // Nearly every namespace is one node and its task.
  if (task > 0 && !checkpointNamespace.includes("|")) return checkpointNamespace.slice(0, task);
  return checkpointNamespace
    .split("|")
    .map((part) => part.split(":")[0] ?? part)
    .filter((part) => part !== "" && !/^\d+$/.test(part))
    .join("|");
}

/** The config LangGraph runs the current task under; empty outside of a task. */
export function ambientConfig(): RunnableConfig {
  try {
    return getConfig() ?? {};
  } catch {
    return {};
  }
}

/** The configurable keys of the config LangGraph runs the current task under. */
export function ambientConfigurable(): Record<string, unknown> {
  return ambientConfig().configurable ?? {};
}

/** The thread of a run, as text: LangGraph takes numbers too. */
export function threadIdOf(configurable: Readonly<Record<string, unknown>>): string | null {
  const id = configurable["thread_id"];
  return typeof id === "string" ? id : id === undefined || id === null ? null : JSON.stringify(id);
}

interface MessageLike {
  id?: string | undefined;
  getType?: () => string;
  type?: string;
  role?: string;
}

/** The authenticated user where a server gives one, and the thread. */
export function defaultScope(config: {
  readonly configurable: Readonly<Record<string, unknown>>;
}): string {
  const user = config.configurable["langgraph_auth_user"] as { identity?: unknown } | undefined;
  const identity = typeof user?.identity === "string" ? user.identity : "";
  return JSON.stringify([identity, threadIdOf(config.configurable)]);
}

/**
 * The identity of an execution that began without the run seam: tenant and thread, and the id of
 * the last human message, which LangGraph keeps stable over resume and fork.
 */
export function derivedExecutionId(scope: string, messages: unknown): string {
  const list = Array.isArray(messages) ? (messages as MessageLike[]) : [];
  const human = list.findLast((message) => {
    const type = typeof message.getType === "function" ? message.getType() : message.type;
    return type === "human" || message.role === "user";
  });
  return `derived:${sha256(scope).slice(0, 16)}:${human?.id ?? "no-message"}`;
}
