import type { HookContext, HookRuntime, ResultOwner, ResultStore } from "@evenkeel/core";
import type { BaseStore } from "@langchain/langgraph";

import { baseStoreResults } from "../drivers/base-store/driver.ts";
import { OffloadError } from "../errors.ts";
import type { OffloadLive, OffloadSettings } from "../options.ts";
import type { ReadingToolNames } from "../preview/frame.ts";
import type { ReadingContext } from "../reading/context.ts";
import { resolveReadingLimits } from "../reading/limits.ts";
import { openResults } from "../results/results.ts";
import type { Results } from "../results/results.ts";
import { timedStore } from "../results/timed-store.ts";
import { loadTokenCounter } from "../threshold/token-counter.ts";
import type { TokenCounter } from "../threshold/token-counter.ts";

/** The context of this middleware's hooks. */
export type OffloadContext = HookContext<OffloadSettings, OffloadLive>;

/** What every part of the middleware needs to know of the call it stands in. */
export interface OffloadScope {
  readonly context: OffloadContext;
  readonly settings: OffloadSettings;
  readonly store: ResultStore;
  readonly owner: ResultOwner;
  readonly signal: AbortSignal | undefined;
}

/** Finds store and owner of a call; without any store it throws `store-required`. */
export function openScope(runtime: HookRuntime, context: OffloadContext): OffloadScope {
  const { id, scope, threadId } = context.execution;
  return {
    context,
    settings: context.options,
    store: context.live.store ?? graphStore(runtime.store, context.live.name),
    // Without a thread nothing outlives the execution, and nobody else may read it.
    owner: { scope, threadId: threadId ?? `execution:${id}` },
    signal: runtime.signal,
  };
}

/** The counter of a call; the default one is loaded when the first result is worth counting. */
export async function counterOf({ context }: OffloadScope): Promise<TokenCounter> {
  return context.live.tokenCounter ?? (await loadTokenCounter());
}

/** The results of a call's thread, in a store nobody waits for longer than agreed. */
export function resultsOf({ store, settings, signal, context }: OffloadScope): Results {
  const timeoutMs = settings.storeTimeoutMs;
  return openResults(timedStore(store, { timeoutMs, signal }), context.now);
}

/** The reading tools as the model knows them. */
export function toolNames({ tools }: OffloadSettings): ReadingToolNames {
  if (tools === null) return {};
  const { read, search, query } = tools;
  return { read, search, query };
}

/** What the reading tools need to answer inside a call. */
export async function readingContext(scope: OffloadScope): Promise<ReadingContext> {
  const { owner, signal, settings } = scope;
  return {
    results: resultsOf(scope),
    owner,
    signal,
    limits: resolveReadingLimits(settings.tools?.limits),
    counter: await counterOf(scope),
  };
}

// One for each store of a graph: parallel calls of a turn meet in its locks.
const graphStores = new WeakMap<BaseStore, ResultStore>();

function graphStore(store: BaseStore | undefined, middleware: string): ResultStore {
  if (store === undefined) {
    throw new OffloadError({
      code: "store-required",
      middleware,
      message: `${middleware} has nowhere to keep results: compile the graph with a LangGraph store, or pass \`store\`.`,
    });
  }
  const known = graphStores.get(store);
  if (known !== undefined) return known;
  const fresh = baseStoreResults(store);
  graphStores.set(store, fresh);
  return fresh;
}
