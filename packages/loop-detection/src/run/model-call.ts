import { toolName } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { AIMessage, HumanMessage } from "@langchain/core/messages";

import type { LoopFinding } from "../detectors/finding.ts";
import { fingerprintCall } from "../fingerprint/call.ts";
import { shortHash } from "../fingerprint/short-hash.ts";
import { steeringText } from "../ladder/message.ts";
import type { LoopContext } from "../options.ts";
import { CHANNEL, type Conversation, openConversation } from "./conversation.ts";
import { exitRun } from "./exit.ts";
import { readOn } from "./read-on.ts";
import { loopKeyOf } from "./reading.ts";
import { report } from "./report.ts";
import { say } from "./say.ts";

const mostPending = 64;

/** Reads what the model did since its last call, and makes the next one as the ladder has it. */
export async function detectInModelCall(
  request: ModelRequest,
  handler: Handler<ModelRequest, ModelResult>,
  context: LoopContext,
): Promise<ModelResult> {
  const { messages, tools, runtime } = request;
  const open = openConversation(context, messages, runtime.configurable?.["checkpoint_ns"]);
  const { conversation, newest } = readOn(open, tools, context);
  if (newest !== undefined) report(conversation, newest, context);

  const keep = (settled: Conversation): void => {
    const changed = open.isNew || newest !== undefined || settled.pending !== open.known.pending;
    if (changed) context.state.write(CHANNEL, { [open.key]: settled });
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
