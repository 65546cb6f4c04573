import { readEnvelope } from "@evenkeel/core";
import type { Restart } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { ToolMessage } from "@langchain/core/messages";

import { callSequence } from "../context/call-sequence.ts";
import type { SeenCall } from "../context/call-sequence.ts";
import type { CallRecord, StandingCall } from "../context/report.ts";
import type { RetryContext } from "../options.ts";
import { historyIn } from "./run-memory.ts";

/** Where the next attempt begins, and the calls that decide it. */
interface NextPlace {
  readonly restart: Restart;
  readonly calls: readonly CallRecord[];
  /** Calls of this attempt and those before it whose effects stand. */
  readonly standing: readonly StandingCall[];
}

/**
 * Begun at the start, a model plans the effects that stand anew, and under new ids only a business
 * key tells that they are the same: so where one stands without such a key, in whichever attempt,
 * the next one begins before the last decision.
 */
export function restartFor(
  messages: readonly BaseMessage[],
  seen: readonly SeenCall[],
  { context, ended }: { readonly context: RetryContext; readonly ended: boolean },
): NextPlace {
  const { options } = context;
  const maxResultChars = options.context === false ? 0 : options.context.maxResultChars;
  const { effectTools } = options;
  const calls = callSequence(messages, seen, { maxResultChars, effectTools });
  const keyed = new Set(
    messages.flatMap((message) =>
      ToolMessage.isInstance(message) && readEnvelope(message)?.details["businessKey"] === true
        ? [message.tool_call_id]
        : [],
    ),
  );
  const now = calls
    .filter(({ stands }) => stands)
    .map((call) => ({ ...call, keyed: keyed.has(call.id) }));
  const history = historyIn(context);
  const before = (history["standing"] ?? []) as readonly StandingCall[];
  const standing = [...before.filter((call) => !now.some((one) => isSame(one, call))), ...now];
  return { restart: placeOf(options.restart, standing, ended), calls, standing };
}

function placeOf(
  wanted: Restart | "auto",
  standing: readonly StandingCall[],
  ended: boolean,
): Restart {
  // An attempt that came to its end has no step to go on with.
  if (wanted === "resume") return ended ? "last-decision" : "resume";
  if (wanted !== "auto") return wanted;
  return standing.some(({ keyed }) => !keyed) ? "last-decision" : "start";
}

/** The same call, or one planned anew that the ledger answered with the effect that stands. */
function isSame(one: StandingCall, other: StandingCall): boolean {
  return (
    one.id === other.id ||
    (one.keyed && other.keyed && one.tool === other.tool && one.args === other.args)
  );
}
