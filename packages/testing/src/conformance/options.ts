import type { AnyMiddleware, EvenkeelEvent } from "@evenkeel/core";
import type { BaseCheckpointSaver } from "@langchain/langgraph";

import type { GraphKind } from "./graph-kind.ts";
import type { Situation } from "./situation.ts";

/** A test runner's two words; those of vitest, jest, mocha and `node:test` fit. */
export interface ConformanceRunner {
  describe(title: string, body: () => void): void;
  test(title: string, body: () => Promise<void>): void;
}

/** How to make a middleware act: a situation, and options under which it has something to do there. */
export interface ActingCapability extends Situation {
  /** Makes the middleware that acts in this situation. @default the kit's `create` */
  readonly create?: () => AnyMiddleware;
}

/** State of another release that a thread may still hold. */
export interface StateCapability {
  /** The private channel that holds it. */
  readonly channel: `_${string}`;
  /** The channel's entries as an older release left them. */
  readonly fixture: Readonly<Record<string, unknown>>;
  /** Tells by a run that resumed on the fixture whether it was read. @default completing is enough */
  readonly understood?: (run: {
    readonly events: readonly EvenkeelEvent[];
    readonly values: Readonly<Record<string, unknown>>;
    readonly entries: Readonly<Record<string, unknown>>;
  }) => boolean;
}

/** What a middleware can do beyond being idle; laws that need more than that ask here. */
export interface ConformanceCapabilities {
  /** It may call its handler again after a failure. @default what the definition says */
  readonly retries?: boolean;
  /** Total tries per call, where it retries. */
  readonly attempts?: number;
  /** It tells the model more of a call it could not make than the tool node does. @default false */
  readonly repairs?: boolean;
  /** How to make it act. @default it is checked idle only */
  readonly acts?: ActingCapability;
  /** State of an older release. @default only that of an unknown future release is tried */
  readonly state?: StateCapability;
}

/** What the conformance kit is given. */
export interface ConformanceOptions {
  /** Makes the middleware, idle in an ordinary run: two turns of three tool calls, then an answer. */
  readonly create: () => AnyMiddleware;
  /** The factory's name. @default the name of `create`, where a named function is given */
  readonly name?: string;
  readonly capabilities?: ConformanceCapabilities;
  /** Middleware it is composed with in both orders. @default one that does nothing on every seam */
  readonly others?: readonly (() => AnyMiddleware)[];
  /** Graphs the laws run on: the kit's by name, or your own. @default ["StateGraph", "createAgent"] */
  readonly graphs?: readonly ("StateGraph" | "createAgent" | GraphKind)[];
  /** A fresh or shared checkpointer. @default a MemorySaver each time */
  readonly checkpointer?: () => BaseCheckpointSaver | Promise<BaseCheckpointSaver>;
  /** Where the laws become tests. @default none: run the list that is returned */
  readonly runner?: ConformanceRunner;
}
