import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { firstTurns, unreadTurns } from "../src/turns/unread-turns.ts";

/** A turn of so many calls, of which the last `open` have no answer. */
function turn(name: string, calls: number, open = 0): BaseMessage[] {
  const ids = Array.from({ length: calls }, (_, index) => `${name}-${index}`);
  return [
    new AIMessage({
      id: name,
      content: calls === 0 ? `reply ${name}` : "",
      tool_calls: ids.map((id) => ({ id, name: "look_up", args: {} })),
    }),
    ...ids
      .slice(0, calls - open)
      .map((id) => new ToolMessage({ id: `r-${id}`, tool_call_id: id, content: `answer ${id}` })),
  ];
}

const keysOf = (read: { turns: { key: string }[] }): string[] => read.turns.map(({ key }) => key);

describe("laws", () => {
  const histories = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 20 });

  test("read step by step, every turn is read once, in order, with all its answers", () => {
    fc.assert(
      fc.property(histories, fc.array(fc.boolean(), { maxLength: 40 }), (sizes, looks) => {
        const turns = sizes.map((calls, index) => turn(`t${index}`, calls));
        const seen: string[] = [];
        const messages: BaseMessage[] = [new HumanMessage({ id: "h", content: "go" })];
        let looked = 0;
        const look = (): void => {
          const { turns: read } = unreadTurns(messages, new Set(["start", ...seen]));
          for (const { key, read: taken } of read) {
            seen.push(key);
            expect(taken().calls.every(({ result }) => result !== undefined)).toBe(true);
          }
        };
        for (const one of turns) {
          for (const message of one) {
            messages.push(message);
            if (looks[looked++] === true) look();
          }
        }
        look();
        expect(seen).toEqual(turns.map((_, index) => `t${index}`));
      }),
    );
  });

  test("a list that lost any number of old messages gives what was not read, and nothing twice", () => {
    fc.assert(
      fc.property(histories, fc.nat(60), fc.nat(20), (sizes, lost, read) => {
        const messages = sizes.flatMap((calls, index) => turn(`t${index}`, calls));
        const known = sizes.slice(0, read).map((_, index) => `t${index}`);
        const left = messages.slice(Math.min(lost, messages.length));
        const kept = left.flatMap(({ type, id }) =>
          type === "ai" && id !== undefined ? [id] : [],
        );
        const expected = kept.filter((id) => !known.includes(id));
        expect(keysOf(unreadTurns(left, new Set(known.slice(-8))))).toEqual(expected);
      }),
    );
  });
});

describe("the newest turn", () => {
  test("waits until all its calls are answered", () => {
    const messages = [...turn("a", 1), ...turn("b", 3, 1)];
    expect(keysOf(unreadTurns(messages, new Set()))).toEqual(["a"]);
  });

  test("that nobody answered counts as it is once there is a newer one", () => {
    const messages = [...turn("a", 2, 1), ...turn("b", 1)];
    const { turns } = unreadTurns(messages, new Set());
    const read = turns.map((found) => found.read());
    expect(read.map(({ calls }) => calls.map(({ result }) => result))).toEqual([
      ["answer a-0", undefined],
      ["answer b-0"],
    ]);
  });
});

describe("the first look of an execution", () => {
  test("leaves out what stands before the last human message, and remembers it", () => {
    const messages = [
      ...turn("old", 1),
      new HumanMessage({ id: "h", content: "go on" }),
      ...turn("new", 1),
    ];
    const { turns, met } = firstTurns(messages);
    expect(turns.map(({ key }) => key)).toEqual(["new"]);
    expect(met).toBe("old");
  });

  test("of an empty list finds nothing", () => {
    expect(firstTurns([])).toEqual({ turns: [], met: undefined });
  });
});

describe("cost", () => {
  /** A list that counts how many of its messages are looked at. */
  function watched(messages: BaseMessage[]): { list: BaseMessage[]; looks: () => number } {
    let looks = 0;
    const list = new Proxy(messages, {
      get(target, key, receiver) {
        if (typeof key === "string" && /^\d+$/.test(key)) looks += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    return { list, looks: () => looks };
  }

  const long = Array.from({ length: 2_500 }, (_, index) => turn(`t${index}`, 1)).flat();

  test("of a step is its own turn, however long the list is", () => {
    const { list, looks } = watched(long);
    expect(keysOf(unreadTurns(list, new Set(["t2498"])))).toEqual(["t2499"]);
    expect(looks()).toBeLessThanOrEqual(4);
  });

  test("of a list in which nothing is known has an end", () => {
    const { list, looks } = watched(long);
    expect(keysOf(unreadTurns(list, new Set(["elsewhere"])))).toHaveLength(64);
    expect(looks()).toBeLessThanOrEqual(128);
  });
});

test("ids that are long or missing still name a turn", () => {
  const long = "x".repeat(1_500);
  const [named] = unreadTurns([new AIMessage({ id: long, content: "a" })], new Set()).turns;
  expect(named?.key.length).toBeLessThanOrEqual(16);
  const bare = [new AIMessage("same"), new HumanMessage("on"), new AIMessage("same")];
  const keys = keysOf(unreadTurns(bare, new Set()));
  expect(new Set(keys).size).toBe(2);
});
