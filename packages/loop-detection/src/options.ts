import type { HookContext, MiddlewareMode } from "@evenkeel/core";

import type { LoopKind } from "./detectors/finding.ts";
import type { LoopKey } from "./fingerprint/call.ts";
import type { LadderThresholds } from "./ladder/ladder.ts";
import type { LoopNotice } from "./ladder/message.ts";
import type { AnsweredCall } from "./turns/turn-digest.ts";

/** What happens to a run that goes on looping after it was steered and blocked. */
export type LoopExitBehavior = "final-answer" | "interrupt" | "error";

/** Options of {@link loopDetectionMiddleware}. */
export interface LoopDetectionMiddlewareOptions extends Partial<LadderThresholds> {
  /**
   * What makes two calls of a tool the same, by tool name: names of the arguments that count, or a
   * function of the arguments. Beats the tool's own `loopKey`. @default all arguments
   */
  identity?: Readonly<Record<string, readonly string[] | LoopKey>>;
  /** Masks what varies idly in an answer. @default times, durations, ids, addresses, counters */
  normalizeResult?: (text: string, tool: string) => string;
  /** Whether an answer is progress; undefined leaves it to comparing. @default an answer that differs is */
  isProgress?: (call: AnsweredCall) => boolean | undefined;
  /** Tools whose calls are never counted. @default [] */
  exempt?: readonly string[];
  /**
   * Tools that are polled, whatever they answer, beside answers that say the work is not finished;
   * and how many polls weigh as much as one repeat. @default { tools: [], patience: 6 }
   */
  poll?: { readonly tools?: readonly string[]; readonly patience?: number };
  /** Patterns by name; `false` leaves one out. @default all of them */
  detectors?: Readonly<Partial<Record<LoopKind, boolean>>>;
  /** Turns that may lie between two equal calls. @default 12 */
  window?: number;
  /** What is done at `stopAfter`. @default "final-answer" */
  exitBehavior?: LoopExitBehavior;
  /** Words of your own for what the model or the error is told. @default the text in `notice.text` */
  message?: (notice: LoopNotice) => string;
  /** @default "enforce" */
  mode?: MiddlewareMode;
  /** @default "loopDetectionMiddleware" */
  name?: string;
}

/** The options that shape behaviour and are frozen with the execution. */
export interface LoopSettings extends LadderThresholds {
  identity: Readonly<Record<string, readonly string[]>>;
  exempt: readonly string[];
  poll: { tools: readonly string[]; patience: number };
  /** Patterns that are left out. */
  off: readonly LoopKind[];
  window: number;
  exitBehavior: LoopExitBehavior;
}

/** What comes from the live process. */
export interface LoopLive {
  name: string;
  loopKeys: Readonly<Record<string, LoopKey>>;
  normalizeResult?: (text: string, tool: string) => string;
  isProgress?: (call: AnsweredCall) => boolean | undefined;
  message?: (notice: LoopNotice) => string;
}

/** What the hooks of this package get as their context. */
export type LoopContext = HookContext<LoopSettings, LoopLive>;
