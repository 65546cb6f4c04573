import { toolName } from "@evenkeel/core";

import { normalizeResult } from "../answers/normalize-result.ts";
import type { DetectorOptions } from "../detectors/loop-state.ts";
import type { LoopKey } from "../fingerprint/call.ts";
import type { LoopContext } from "../options.ts";
import type { DigestOptions } from "../turns/turn-digest.ts";
import type { ReadTurn } from "../turns/unread-turns.ts";
import { guarded } from "./guarded.ts";

const namesMissingTool = /\b(?:tool|function|action|command)\b/i;

/** How the turns of a request are read: by the options, and by what its tools say themselves. */
export function digestOptionsFor(tools: readonly unknown[], context: LoopContext): DigestOptions {
  const { options, live } = context;
  const { isProgress, normalizeResult: normalize } = live;
  const given: DigestOptions = {
    loopKeyOf: (tool) => loopKeyOf(tool, tools, context),
    poll: (tool) => options.poll.tools.includes(tool),
  };
  if (isProgress !== undefined) {
    given.isProgress = guarded("isProgress", isProgress, () => undefined, context);
  }
  if (normalize !== undefined) {
    given.normalizeResult = guarded("normalizeResult", normalize, normalizeResult, context);
  }
  return given;
}

/** Which patterns an execution looks for. */
export function detectorOptionsOf({ options }: LoopContext): DetectorOptions {
  const { off, window, poll, exempt } = options;
  return { off, window, pollPatience: poll.patience, exempt };
}

/** A turn with its calls of tools that do not exist marked as such. */
export function markUnknown(turn: ReadTurn, tools: readonly unknown[]): ReadTurn {
  if (tools.length === 0 || !turn.calls.some(({ failed }) => failed === true)) return turn;
  const names = new Set(tools.map(toolName));
  const calls = turn.calls.map((call) => {
    const missing = call.failed === true && !names.has(call.tool);
    // A tool that is offered in some turns only can fail as well: the answer must be about tools.
    const known = !missing || !namesMissingTool.test((call.result ?? "").slice(0, 300));
    return known ? call : { ...call, known };
  });
  return { ...turn, calls };
}

/** What makes two calls of a tool the same: by the options, else by the tool's own `loopKey`. */
export function loopKeyOf(
  name: string,
  tools: readonly unknown[],
  context: LoopContext,
): LoopKey | undefined {
  const { identity } = context.options;
  const { loopKeys } = context.live;
  if (Object.hasOwn(identity, name)) return pick(identity[name] ?? []);
  const key = Object.hasOwn(loopKeys, name) ? loopKeys[name] : ownLoopKey(name, tools);
  return key === undefined ? undefined : guarded("loopKey", key, (given) => given, context);
}

function ownLoopKey(name: string, tools: readonly unknown[]): LoopKey | undefined {
  const tool = tools.find((one) => toolName(one) === name) as { loopKey?: unknown } | undefined;
  return typeof tool?.loopKey === "function"
    ? (callArguments) => (tool.loopKey as LoopKey)(callArguments)
    : undefined;
}

function pick(names: readonly string[]): LoopKey {
  return (callArguments) =>
    typeof callArguments === "object" && callArguments !== null
      ? names.map((name) => [name, Reflect.get(callArguments, name)])
      : callArguments;
}
