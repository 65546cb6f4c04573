import type { ChatModelLike } from "./chat-model.ts";
import { sameList } from "./model-seam.ts";

/** What a model was bound to, and what came of it. */
interface Bound {
  readonly tools: readonly unknown[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly runnable: ChatModelLike;
}

/** A graph whose nodes offer one model more sets of tools than these pays for binding them anew. */
const mostBound = 8;

const boundModels = new WeakMap<ChatModelLike, Bound[]>();

/**
 * Binds tools to a model, once for a set of tools and settings: LangChain makes a new model of it,
 * and that one a new client of its provider with its first call.
 */
export function boundModel(
  model: ChatModelLike & Required<Pick<ChatModelLike, "bindTools">>,
  tools: readonly unknown[],
  settings: Readonly<Record<string, unknown>>,
): ChatModelLike {
  const known = boundModels.get(model) ?? [];
  boundModels.set(model, known);
  const found = known.find(
    (one) => sameList(one.tools, tools) && sameSettings(one.settings, settings),
  );
  if (found !== undefined) return found.runnable;
  const runnable = model.bindTools([...tools], { ...settings }) as ChatModelLike;
  known.unshift({ tools: [...tools], settings: { ...settings }, runnable });
  known.splice(mostBound);
  return runnable;
}

function sameSettings(one: Bound["settings"], other: Bound["settings"]): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
