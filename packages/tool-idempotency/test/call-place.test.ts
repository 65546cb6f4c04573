import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { expect, it } from "vitest";

import { hashArguments, placeOf } from "../src/identity/call-place.ts";

const call = (id: string, args: Record<string, unknown>) => ({ id, name: "pay", args });

function turn(...calls: ReturnType<typeof call>[]): [AIMessage, ...ToolMessage[]] {
  const answers = calls.map(({ id }) => new ToolMessage({ content: "paid", tool_call_id: id }));
  return [new AIMessage({ content: "", tool_calls: calls }), ...answers];
}

it("counts equal calls since the user last spoke, whatever the order of their keys", () => {
  const messages = [
    ...turn(call("old", { id: 1, to: "a" })),
    new HumanMessage("Again."),
    ...turn(call("one", { id: 1, to: "a" }), call("other", { id: 2, to: "a" })),
    ...turn(call("two", { to: "a", id: 1 })),
  ];
  const [one, other] = [
    { id: 1, to: "a" },
    { id: 2, to: "a" },
  ].map(hashArguments);
  expect(placeOf(messages, "two", "pay")).toEqual({
    argsHash: one,
    ordinal: 1,
    index: 0,
    alone: true,
    planned: [`${one}#0`, `${other}#0`, `${one}#1`],
    answered: [`one#${one}`],
  });
  // Counted again it comes out the same.
  expect(placeOf(messages, "two", "pay")?.planned).toEqual([`${one}#0`, `${other}#0`, `${one}#1`]);
});

it("sees what a hook changes in a message at work, after a sibling was placed", () => {
  const [message] = turn(call("one", { id: 1 }), call("two", { id: 1 }));
  expect(placeOf([message], "one", "pay")?.ordinal).toBe(0);
  const [, two] = message.tool_calls ?? [];
  if (two !== undefined) two.args["id"] = 2;
  expect(placeOf([message], "two", "pay")).toMatchObject({
    argsHash: hashArguments({ id: 2 }),
    ordinal: 0,
    planned: [`${hashArguments({ id: 1 })}#0`, `${hashArguments({ id: 2 })}#0`],
  });
});
