import type { StructuredToolInterface } from "@langchain/core/tools";

import type { ScriptedTurns } from "../model/scripted-turn.ts";
import type { ReplyToolCall } from "../openai/script.ts";

/** One conversation: what the user says, what the scripted model answers, which tools it has. */
export interface Situation {
  /** What the user says. */
  readonly input: string;
  /** What the model answers, turn by turn. */
  readonly turns: ScriptedTurns;
  /** Tools beside the kit's own (`look_up`, `record`, `approve`, `remember`). @default none */
  readonly tools?: readonly StructuredToolInterface[];
}

/** A turn in which the model calls tools. */
function calling(...toolCalls: ReplyToolCall[]): { toolCalls: ReplyToolCall[] } {
  return { toolCalls };
}

const call = (id: string, name: string, args: object): ReplyToolCall => ({ id, name, args });
const apples = call("call_apples", "look_up", { item: "apples" });
const bread = call("call_bread", "look_up", { item: "bread" });
const record = call("call_record", "record", { entry: "twelve apples" });
const approve = call("call_approve", "approve", { question: "Order cheese?" });
const order = call("call_order", "record", { entry: "cheese ordered" });

/** An ordinary run, in which no middleware has a reason to act. */
export const ORDINARY: Situation = {
  input: "What is in stock? Record the apples.",
  turns: [
    calling(apples),
    calling(bread, record),
    { content: "Twelve apples are recorded, and there are three loaves." },
  ],
};

/** A run that a person must approve, the effects of its tools before, beside and after the pause. */
export const PAUSING: Situation = {
  input: "Record the apples, then order cheese if I agree.",
  turns: [
    calling(record),
    calling(approve, bread),
    calling(order),
    { content: "Both are recorded." },
  ],
};

/** A run whose tool answers with a Command. */
export const COMMANDING: Situation = {
  input: "Keep a note about the bread.",
  turns: [
    calling(call("call_note", "remember", { note: "rye sells out" }), bread),
    { content: "Noted." },
  ],
};

/** Four calls at once: two answers, one Command, one tool that does not exist. */
export const PARALLEL: Situation = {
  input: "Look everything up at once.",
  turns: [
    calling(
      apples,
      bread,
      call("call_note", "remember", { note: "rye sells out" }),
      call("call_missing", "weigh", { item: "bread" }),
    ),
    { content: "That is all." },
  ],
};

/** A call whose arguments do not fit the tool's schema, and the corrected one. */
export const INVALID_ARGUMENTS: Situation = {
  input: "What about apples?",
  turns: [
    calling(call("call_invalid", "look_up", { thing: 7 })),
    calling(apples),
    { content: "Twelve of them." },
  ],
};
