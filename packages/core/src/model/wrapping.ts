import type { ChatModelLike } from "./chat-model.ts";

/** What is remembered of a wrapped model. */
export interface Wrapping {
  /** The model that makes the call, with whatever is bound to it. */
  readonly base: ChatModelLike;
  /** The model without anything bound to it. */
  readonly root: ChatModelLike;
  /** Shared by everything derived from one `wrapModel` call. */
  readonly identity: object;
  /** Wrapped inside a node: the next execution of the node wraps another one. */
  readonly perCall: boolean;
  readonly site: string | undefined;
  /** The original tools of the last `bindTools`. */
  readonly tools: readonly unknown[] | undefined;
  /** Call options bound so far, tools apart. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The key of a wrapped model under which its wrapping lies, whichever copy of core wrapped it. */
export const WRAPPING: unique symbol = Symbol.for("evenkeel.wrapping") as never;

/** What is remembered of a model, where it is wrapped. */
export function wrappingOf(model: unknown): Wrapping | undefined {
  return typeof model === "object" && model !== null
    ? (model as { [WRAPPING]?: Wrapping })[WRAPPING]
    : undefined;
}

/** The model behind a wrapped one, or the value itself. */
export function unwrapModel(model: unknown): unknown {
  return wrappingOf(model)?.base ?? model;
}
