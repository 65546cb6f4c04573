import { sha256 } from "@evenkeel/core";
import type { ClaimRequest, EffectMatch, ToolCallRequest } from "@evenkeel/core";

import { BRANCH_CHANNEL } from "../effects-channel.ts";
import { IdempotencyError } from "../errors.ts";
import type { IdempotencyContext, ToolArguments, ToolEffectOptions } from "../options.ts";
import { hashArguments, placeOf } from "./call-place.ts";
import { placeInTask } from "./task-place.ts";
import { standingPlans } from "./task-plan.ts";

/** What names an effect, and where its call stands. */
export interface EffectIdentity extends Pick<
  ClaimRequest,
  "key" | "executionId" | "argsHash" | "match"
> {
  /** Place among the calls of its message. */
  readonly index: number;
  readonly alone: boolean;
}

/** The key a tool passes on, from the key in the ledger: as short as payment services want it. */
export function publicKey(scope: string, key: string): string {
  return `ek_${sha256(JSON.stringify([scope, key])).slice(0, 40)}`;
}

/** Names the effect of a call: by the tool's own key, else by the call, else by its place in a task. */
export function identify(
  request: ToolCallRequest,
  tool: ToolEffectOptions | undefined,
  context: IdempotencyContext,
): EffectIdentity {
  const { toolCall, state } = request;
  const { options, execution } = context;
  const name = toolCall.name;
  const { branch } = context.state.read(BRANCH_CHANNEL);
  const fork = typeof branch === "string" ? branch : undefined;
  const executionId =
    options.fork === "new" && fork !== undefined ? `${execution.id}:${fork}` : execution.id;
  const plan = `${execution.attempt}${fork === undefined ? "" : `:${fork}`}`;
  const place = placeOf(state[options.messagesKey], toolCall.id, name);
  const { index, alone } = place ?? { index: 0, alone: true };
  const argsHash = hashArguments(toolCall.args);
  const shared = { executionId, argsHash, index, alone };
  if (tool?.key !== undefined) {
    const business = businessKey(tool.key, name, toolCall.args, context.live.name);
    const owner = options.within[name] === "execution" ? executionId : null;
    return { ...shared, key: JSON.stringify(["key", name, owner, business]), match: null };
  }
  if (place !== undefined) {
    const match: EffectMatch = {
      callId: `${toolCall.id}#${argsHash}`,
      answered: place.answered,
      plan,
      ordinal: place.ordinal,
      planned: place.planned,
      replan: false,
      standing: standingPlans(context.state),
    };
    return { ...shared, key: JSON.stringify(["call", executionId, toolCall.id]), match };
  }
  const inTask = placeInTask(name, argsHash, context);
  const key = JSON.stringify(["task", executionId, inTask.task, name, argsHash, inTask.ordinal]);
  const { task: _task, ...found } = inTask;
  // Calls of the messages are accounted for there, and this is none of them.
  const plans = [...found.standing.plans, plan];
  const standing = { ...found.standing, plans };
  const match = { ...found, callId: key, answered: [], replan: false, standing };
  return { ...shared, key, match };
}

function businessKey(
  key: (args: ToolArguments) => string,
  tool: string,
  args: ToolArguments,
  middleware: string,
): string {
  let came: unknown;
  let cause: unknown;
  try {
    came = key(args);
  } catch (error) {
    cause = error;
  }
  if (typeof came === "string" && came !== "") return came;
  const what =
    cause === undefined ? `gave ${came === "" ? "an empty text" : typeof came}` : "threw";
  throw new IdempotencyError({
    code: "effect-key-invalid",
    middleware,
    message: `The key function of tool "${tool}" ${what}; a non-empty text is due. Nothing was run.`,
    cause,
    details: { tool },
  });
}
