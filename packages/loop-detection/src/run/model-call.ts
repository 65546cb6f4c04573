import { toolName } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { AIMessage, HumanMessage } from "@langchain/core/messages";

import type { LoopFinding } from "../detectors/finding.ts";
import { fingerprintCall } from "../fingerprint/call.ts";
import { shortHash } from "../fingerprint/short-hash.ts";
import { steeringText } from "../ladder/message.ts";
import type { LoopContext } from "../options.ts";
import {
  CHANNEL,
  type Conversation,
  type OpenConversation,
  openConversation,
} from "./conversation.ts";
import { exitRun } from "./exit.ts";
import { readAhead, rememberReading } from "./read-ahead.ts";
import { readOn } from "./read-on.ts";
import { loopKeyOf } from "./reading.ts";
import { report } from "./report.ts";
import { say } from "./say.ts";

const mostPending = 64;

/** No more than a saved conversation is recognised by. */
const turnsASave = 8;

/** Reads what the model did since its last call, and makes the next one as the ladder has it. */
export async function detectInModelCall(
  request: ModelRequest,
  handler: Handler<ModelRequest, ModelResult>,
  context: LoopContext,
): Promise<ModelResult> {
  const { messages, tools, runtime } = request;
  const open = readAhead(openConversation(context, messages, runtime.configurable), context);
  const { conversation, newest } = readOn(open, tools, context);
  if (newest !== undefined) report(conversation, newest, context);
  rememberReading(open, conversation, context);

  const keep = (settled: Conversation): void => {
    if (isDue(open, settled, context)) context.state.write(CHANNEL, { [open.key]: settled });
  };
  const { action, finding } = conversation;
  if (finding === null || action === "none" || !mayAct(request, finding)) {
    const result = await handler(request);
    keep(conversation);
    return result;
  }
  if (action === "stop") {
    return exitRun(request, handler, context, { key: open.key, conversation, finding });
  }
  const result = await handler(steered(request, action, finding, context));
  keep(withPending(conversation, result, tools, context));
  return result;
}

/**
 * Saves what could not be read again, what the tool's seam goes by, and every eighth turn: what is
 * between is in the messages, and a process that finds only those reads it once more.
 */
function isDue(
  { saved, ahead, unread, intact }: OpenConversation,
  settled: Conversation,
  { native }: LoopContext,
): boolean {
  if (saved === undefined) return true;
  const turns = ahead.length + unread.length;
  if (turns === 0 && Object.keys(settled.pending).length === 0) return false;
  const climbs = settled.action !== "none" || saved.action !== "none";
  return native || climbs || !intact || saved.place !== settled.place || turns >= turnsASave;
}

/**
 * A call that cannot go another way is left alone: one that is bound to a certain tool or to the form
 * of its answer. Without tools a model can only have repeated its own words.
 */
function mayAct(request: ModelRequest, { kind }: LoopFinding): boolean {
  const { tools, toolChoice, responseFormat, modelSettings } = request;
  if (tools.length === 0) {
    const formed = responseFormat ?? modelSettings?.["response_format"];
    return kind === "repeated-text" && formed === undefined;
  }
  const named = typeof toolChoice === "object" && toolChoice !== null;
  return !named && !tools.some((tool) => toolName(tool) === toolChoice);
}

function steered(
  request: ModelRequest,
  action: "steer" | "block",
  finding: LoopFinding,
  context: LoopContext,
): ModelRequest {
  const toolNames = request.tools.flatMap((tool) => toolName(tool) ?? []);
  const text = steeringText(finding, { toolNames, blocks: action === "block" });
  const content = say({ action: "steer", finding, text }, context);
  return { ...request, messages: [...request.messages, new HumanMessage({ content })] };
}

/** Notes which calls of a reply are among the blocked ones, so that the tool's seam need only look. */
function withPending(
  conversation: Conversation,
  result: ModelResult,
  tools: readonly unknown[],
  context: LoopContext,
): Conversation {
  const { blocked } = conversation;
  if (Object.keys(blocked).length === 0 || !AIMessage.isInstance(result)) return conversation;
  const pending = (result.tool_calls ?? []).slice(0, mostPending).flatMap(({ id, name, args }) => {
    const call = { tool: name, arguments: args };
    const { loose } = fingerprintCall(call, loopKeyOf(name, tools, context));
    return id !== undefined && Object.hasOwn(blocked, loose)
      ? [[shortHash(id), [fingerprintCall(call).exact, loose]] as const]
      : [];
  });
  return { ...conversation, pending: Object.fromEntries(pending) };
}
