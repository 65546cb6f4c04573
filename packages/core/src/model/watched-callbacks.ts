import { randomUUID } from "node:crypto";

import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import {
  CallbackManager,
  CallbackManagerForChainRun,
  CallbackManagerForToolRun,
} from "@langchain/core/callbacks/manager";

import { ambientScope } from "../run/scope.ts";
import { watch } from "./call-watch.ts";

/**
 * Callbacks with the watch alone. Nobody asks for the runs it is told of, so they are not numbered,
 * tagged or followed one by one: what runs under it costs what it costs without callbacks.
 */
class WatchManager extends CallbackManager {
  constructor() {
    super();
    this.handlers = [watch];
    this.inheritableHandlers = [watch];
  }

  override copy(additional: BaseCallbackHandler[] = [], inherit = true): CallbackManager {
    return additional.length === 0 && isAlone(this.handlers)
      ? new WatchManager()
      : super.copy(additional, inherit);
  }

  // Nobody reads them, and each of them would be copied for every runnable.
  override addTags(tags: string[], inherit = true): void {
    if (!isAlone(this.handlers)) super.addTags(tags, inherit);
  }

  override addMetadata(metadata: Record<string, unknown>, inherit = true): void {
    if (!isAlone(this.handlers)) super.addMetadata(metadata, inherit);
    // Says where a call is made; a runnable's own, which come apart, do not.
    else if (inherit) this.metadata = metadata;
  }

  override async handleChainStart(
    ...values: Parameters<CallbackManager["handleChainStart"]>
  ): Promise<CallbackManagerForChainRun> {
    return isAlone(this.handlers) ? new WatchedChain(values[2]) : super.handleChainStart(...values);
  }

  override async handleToolStart(
    ...values: Parameters<CallbackManager["handleToolStart"]>
  ): Promise<CallbackManagerForToolRun> {
    if (!isAlone(this.handlers)) return super.handleToolStart(...values);
    const [tool, , runId, , , , name] = values;
    watch.toolStarts(name ?? (tool as { name?: string } | undefined)?.name, this.metadata);
    return new WatchedTool(runId);
  }
}

class WatchedChain extends CallbackManagerForChainRun {
  constructor(runId: string = randomUUID()) {
    super(runId, [], [], [], [], {}, {});
  }

  override getChild(): CallbackManager {
    return new WatchManager();
  }
}

class WatchedTool extends CallbackManagerForToolRun {
  constructor(runId: string = randomUUID()) {
    super(runId, [], [], [], [], {}, {});
  }

  override getChild(): CallbackManager {
    return new WatchManager();
  }
}

/** True for the handlers of callbacks with which nobody but the watch listens. */
function isAlone(handlers: readonly unknown[] | undefined): boolean {
  return handlers !== undefined && handlers.every((handler) => handler === watch);
}

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
  if (callbacks === undefined || callbacks === null) return new WatchManager();
  if (Array.isArray(callbacks)) {
    return callbacks.length === 0 ? new WatchManager() : [...(callbacks as unknown[]), watch];
  }
  const given = callbacks as ManagerLike;
  if (given.handlers.length === 0) return new WatchManager();
  if (given.handlers.includes(watch)) return given;
  const manager = given.copy();
  manager.addHandler(watch, true);
  return manager;
}

/** True for callbacks with which nobody but the watch listens. */
export function isWatchAlone(callbacks: unknown): boolean {
  if (callbacks === undefined || callbacks === null) return false;
  const handlers = Array.isArray(callbacks)
    ? (callbacks as unknown[])
    : (callbacks as ManagerLike).handlers;
  return handlers.length > 0 && isAlone(handlers);
}

/** The config LangGraph made for one execution of a node's function, which is ambient in it. */
export interface NodeConfig {
  callbacks?: unknown;
}

/**
 * Has the calls of a node's function watched. Where nobody else listens, a model call that a seam
 * carries finds no callbacks at all, so that it is made as it is made without a watch.
 */
export function watchFunction(config: NodeConfig): void {
  if (config.callbacks !== undefined) {
    config.callbacks = watched(config.callbacks);
    return;
  }
  Object.defineProperty(config, "callbacks", WATCHING);
}

const WATCHING: PropertyDescriptor = {
  configurable: true,
  enumerable: true,
  get: () => (ambientScope().call?.kind === "model" ? undefined : new WatchManager()),
  set(this: object, value: unknown) {
    const plain = { value, configurable: true, enumerable: true, writable: true };
    Object.defineProperty(this, "callbacks", plain);
  },
};
