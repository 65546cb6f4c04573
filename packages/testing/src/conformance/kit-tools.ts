import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, interrupt } from "@langchain/langgraph";

/** What the kit's tools did to the world, one line each, in order. */
export type Effects = string[];

const SHELVES: Readonly<Record<string, string>> = {
  apples: "twelve apples, picked on Monday",
  bread: "three loaves of rye",
  cheese: "no cheese before Friday",
};

const text = { type: "string" } as const;
const object = (properties: Readonly<Record<string, object>>): object => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/**
 * The tools every situation has: `look_up` answers, `record` has an effect, `approve` pauses for a
 * person unless the answer is known beforehand, `remember` answers with a Command.
 */
export function kitTools(effects: Effects, approval?: string): StructuredToolInterface[] {
  return [
    tool(({ item }: { item: string }) => SHELVES[item] ?? `nothing is known of ${item}`, {
      name: "look_up",
      description: "Says what is in stock of an item",
      schema: object({ item: text }),
    }),
    tool(
      ({ entry }: { entry: string }) => {
        effects.push(entry);
        return `recorded: ${entry}`;
      },
      { name: "record", description: "Writes an entry", schema: object({ entry: text }) },
    ),
    tool(
      ({ question }: { question: string }) =>
        `the answer is ${approval ?? String(interrupt(question))}`,
      { name: "approve", description: "Asks a person", schema: object({ question: text }) },
    ),
    tool(
      ({ note }: { note: string }, runtime: { toolCall?: { id?: string } }) =>
        new Command({
          update: {
            notes: [note],
            messages: [
              new ToolMessage({
                content: "noted",
                name: "remember",
                tool_call_id: runtime.toolCall?.id ?? "",
              }),
            ],
          },
        }),
      { name: "remember", description: "Keeps a note", schema: object({ note: text }) },
    ),
  ] as StructuredToolInterface[];
}
