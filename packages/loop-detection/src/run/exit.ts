import { toolName } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { interrupt } from "@langchain/langgraph";

import type { LoopFinding } from "../detectors/finding.ts";
import { emptyLoopState } from "../detectors/loop-state.ts";
import { LoopDetectionError } from "../errors.ts";
import { finalAnswerText, stoppedText } from "../ladder/message.ts";
import type { LoopContext, LoopExitBehavior } from "../options.ts";
import { CHANNEL, type Conversation } from "./conversation.ts";
import { say } from "./say.ts";

/** A loop that neither steering nor blocking ended. */
interface Loop {
  key: string;
  conversation: Conversation;
  finding: LoopFinding;
}

type ModelHandler = Handler<ModelRequest, ModelResult>;

/** Ends a run that goes on looping, in the way its options say. */
export async function exitRun(
  request: ModelRequest,
  handler: ModelHandler,
  context: LoopContext,
  loop: Loop,
): Promise<ModelResult> {
  const { exitBehavior } = context.options;
  // Beside a call that is only observed nobody can be asked: what would have been is an error there.
  if (exitBehavior === "error" || (exitBehavior === "interrupt" && context.mode === "observe")) {
    write(loop, loop.conversation, context);
    throw loopError(loop.finding, context);
  }
  return exitBehavior === "interrupt"
    ? askPerson(request, handler, context, loop)
    : finalAnswer(request, handler, context, loop);
}

/** One more call without tools: the model answers from what it has. */
async function finalAnswer(
  request: ModelRequest,
  handler: ModelHandler,
  context: LoopContext,
  loop: Loop,
): Promise<ModelResult> {
  const { conversation, finding } = loop;
  const content = say({ action: "stop", finding, text: finalAnswerText(finding) }, context);
  const { parallel_tool_calls: _parallel, ...modelSettings } = request.modelSettings ?? {};
  const result = await handler({
    ...request,
    tools: [],
    toolChoice: undefined,
    ...(request.modelSettings === undefined ? {} : { modelSettings }),
    messages: [...request.messages, new HumanMessage({ content })],
  });
  const answer = answerOnly(result, request, finding);
  // Native createAgent takes either a state update or another message from a hook, not both.
  if (!context.native || answer === result) write(loop, conversation, context);
  return answer;
}

/** A reply that asks for tools all the same, or says nothing, is made an answer. */
function answerOnly(result: ModelResult, request: ModelRequest, finding: LoopFinding): ModelResult {
  if (!AIMessage.isInstance(result)) return result;
  const { tool_calls: calls = [], invalid_tool_calls: invalid = [] } = result;
  const executable = new Set(request.tools.map(toolName));
  // Where an answer has a form, LangChain asks for it by a tool of its own.
  const form = calls.filter(({ name }) => !executable.has(name));
  if (request.responseFormat !== undefined && form.length > 0 && form.length === calls.length)
    return result;
  const text = result.text.trim();
  if (calls.length === 0 && invalid.length === 0 && text !== "") return result;
  const { id, name, response_metadata, usage_metadata } = result;
  return new AIMessage({
    content: text === "" ? stoppedText(finding) : text,
    response_metadata,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(usage_metadata === undefined ? {} : { usage_metadata }),
  });
}

/** Pauses for a person, who lets the run go on, with or without advice, or has it end. */
async function askPerson(
  request: ModelRequest,
  handler: ModelHandler,
  context: LoopContext,
  loop: Loop,
): Promise<ModelResult> {
  const { key, conversation, finding } = loop;
  // Kept before the pause, so that the turn is not read and reported once more after it.
  await context.state.save(CHANNEL, { [key]: conversation });
  const { kind, count, tools } = finding;
  const answer: unknown = interrupt({
    type: "loop-detected",
    by: context.live.name,
    message: say({ action: "stop", finding, text: stoppedText(finding) }, context),
    kind,
    count,
    tools,
    answers: ["continue", "final-answer", "error"] satisfies PersonAnswer[],
  });
  const { action, guidance } = parseAnswer(answer);
  if (action === "error") throw loopError(finding, context);
  if (action === "final-answer") return finalAnswer(request, handler, context, loop);
  const afresh: Conversation = {
    ...conversation,
    loop: { ...emptyLoopState, turn: conversation.loop.turn },
    action: "none",
    finding: null,
    blocked: {},
  };
  const result = await handler(
    guidance === undefined
      ? request
      : { ...request, messages: [...request.messages, new HumanMessage({ content: guidance })] },
  );
  write(loop, afresh, context);
  return result;
}

type PersonAnswer = "continue" | Exclude<LoopExitBehavior, "interrupt">;

/** One of the three words, `{ action, guidance }`, or advice in free words; anything else lets it go on. */
function parseAnswer(answer: unknown): { action: PersonAnswer; guidance?: string } {
  if (isAction(answer)) return { action: answer };
  if (typeof answer === "string" && answer.trim() !== "") {
    return { action: "continue", guidance: answer };
  }
  if (typeof answer !== "object" || answer === null) return { action: "continue" };
  const { action, guidance } = answer as { action?: unknown; guidance?: unknown };
  return {
    action: isAction(action) ? action : "continue",
    ...(typeof guidance === "string" && guidance.trim() !== "" ? { guidance } : {}),
  };
}

function isAction(value: unknown): value is PersonAnswer {
  return value === "continue" || value === "final-answer" || value === "error";
}

function loopError(finding: LoopFinding, context: LoopContext): LoopDetectionError {
  const { kind, count, rounds, tools, evidence } = finding;
  const { name } = context.live;
  const where = context.node === null || context.node === "" ? "" : ` at node "${context.node}"`;
  return new LoopDetectionError({
    code: "loop-detected",
    middleware: name,
    message: `${say({ action: "stop", finding, text: stoppedText(finding) }, context)} (${name}${where})`,
    details: {
      failureClass: "planning",
      kind,
      count,
      rounds,
      tools,
      arguments: evidence.arguments,
      answer: evidence.answer,
    },
  });
}

function write({ key }: Loop, conversation: Conversation, { state }: LoopContext): void {
  state.write(CHANNEL, { [key]: conversation });
}
