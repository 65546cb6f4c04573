import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { describe, expect, test } from "vitest";

import { gatherRun } from "../src/gather/gathered-run.ts";
import { parseRunReport } from "../src/keep/parse-run-report.ts";
import { recordRun } from "../src/record-run.ts";
import { answerShape } from "../src/shape/answer-shape.ts";
import { callFacts } from "../src/shape/call-facts.ts";
import { intentsOfTool, requestShape } from "../src/shape/request-shape.ts";
import { mentionsIn, textFacts } from "../src/shape/text-facts.ts";
import { createVocabulary } from "../src/shape/vocabulary.ts";
import { bad, ok, sampleRun, turn } from "./sample-run.ts";

describe("a final answer's shape", () => {
  test.each([
    ["asks", "Could you please provide the order number?"],
    ["asks", "Which of the two files do you mean?"],
    ["asks", "I will need to know the date first. Please specify it."],
    ["refuses", "I'm sorry, I could not find that file."],
    ["refuses", "Unfortunately the drive does not contain such a document."],
    ["refuses", "No events were found for that day."],
    ["promises", "I found the file. Next, I will send the e-mail to David."],
    ["promises", "To do this, I'll first search the inbox."],
    ["callsInText", '<function=send_email>{"to": "a"}</function>'],
    ["callsInText", '```json\n{"name": "search_files", "parameters": {}}\n```'],
    ["callsInText", "get_order(id=5)"],
    ["breaksOff", "The events of the day are listed here, in the order they take place, and"],
    ["breaksOff", "Here is the code:\n```ts\nconst a = 1;"],
  ] as const)("%s: %s", (sign, text) => {
    expect(answerShape(text, ["get_order"])[sign]).toBe(true);
  });

  test.each([
    "The refund of 40 EUR was booked. Is there anything else I can help you with?",
    "Done. Let me know if you need anything else.",
    "You have three meetings on May 15th: Team Sync, Lunch, and Review.",
    "Yes.",
    "Sent to david@example.com at 10:00.",
  ])("a plain answer shows no sign: %s", (text) => {
    const { asks, refuses, promises, callsInText, breaksOff } = answerShape(text, ["get_order"]);
    expect({ asks, refuses, promises, callsInText, breaksOff }).toEqual({
      asks: false,
      refuses: false,
      promises: false,
      callsInText: false,
      breaksOff: false,
    });
  });

  test("what was only thought is no answer", () => {
    expect(answerShape("<thinking>I am done.</thinking>")).toMatchObject({
      given: true,
      characters: 0,
    });
    expect(answerShape(undefined)).toMatchObject({ given: false, characters: 0 });
  });

  test("an answer of 5 MB is read at its ends", () => {
    const shape = answerShape(`${"word ".repeat(1_000_000)} Could you provide the number?`);
    expect(shape).toMatchObject({ asks: true, characters: 5_000_030 });
    expect(shape.facts.length).toBeLessThanOrEqual(96);
  });
});

describe("what a text refers to", () => {
  test("addresses, links, files, identifiers, quotations, numbers and names", () => {
    const mentions = mentionsIn(
      'Send "Lunch" to anna.b@example.com, see www.shop.com/a and notes.docx for HAT136 on 2024-05-15 with Sarah.',
    );
    expect(mentions.references).toEqual([
      "anna.b@example.com",
      "www.shop.com/a",
      "notes.docx",
      "HAT136",
    ]);
    expect(mentions.quoted).toEqual(["Lunch"]);
    expect(mentions.names).toContain("Sarah");
    expect(mentions.numbers).toContain("136");
  });

  test("facts agree on a number however it is written", () => {
    expect(textFacts("in total 1,200 items")).toEqual(textFacts("in total 1200 items"));
    expect(textFacts("on day 05")).toEqual(textFacts("on day 5"));
    expect(textFacts("on day 5")).not.toEqual(textFacts("on day 6"));
  });

  test.each([
    ["letters", "a".repeat(200_000)],
    ["hyphens", "a-".repeat(100_000)],
    ["dots and ats", "a.@".repeat(70_000)],
    ["quotes", "'".repeat(200_000)],
    ["digits", "1".repeat(200_000)],
  ])("a hostile text of %s is read all the same", (_, text) => {
    expect(textFacts(text).length).toBeLessThanOrEqual(96);
  });
});

describe("a request's shape", () => {
  const shape = (request: string, ...used: string[]) => {
    const vocabulary = createVocabulary();
    for (const text of used) vocabulary.add(text);
    return requestShape(request, () => vocabulary);
  };

  test("numbered tasks are counted", () => {
    expect(shape("Do the following: 1. Read the mail. 2. Book a room. 3. Tell Bob.").parts).toBe(3);
    expect(shape("What is on my calendar?").parts).toBe(1);
  });

  test("what is asked to be changed is read from the verb", () => {
    expect(shape("Please create a file and share it with Bob.").intents).toEqual([
      "create",
      "share",
    ]);
    expect(shape("Who sent the mail I got yesterday?").intents).toEqual([]);
  });

  test("mentions count as used where a call or the answer has them", () => {
    const request = "Mail the report.pdf to anna@example.com and 'Team Lead'.";
    expect(shape(request, '{"to": "anna@example.com"}', "sent report.pdf")).toMatchObject({
      mentioned: 3,
      unused: 1,
    });
  });

  test.each([
    ["send_email", ["send"]],
    ["createCalendarEvent", ["create"]],
    ["invite_user_to_slack", ["invite"]],
    ["get_day_calendar_events", []],
  ])("the tool %s stands for %j", (tool, intents) => {
    expect(intentsOfTool(tool)).toEqual(intents);
  });
});

describe("what a call was made with", () => {
  test("list items and nested members are facts apiece, long texts only as given", () => {
    const facts = callFacts("send", {
      to: ["a", "b"],
      options: { cc: "c" },
      body: "x".repeat(500),
    });
    expect(facts).toHaveLength(4);
    expect(callFacts("send", { body: "y".repeat(500) })).toEqual(
      callFacts("send", { body: "z".repeat(500) }),
    );
  });

  test("values differ by tool and argument", () => {
    expect(callFacts("a", { x: "1" })).not.toEqual(callFacts("b", { x: "1" }));
    expect(callFacts("a", { x: "1" })).not.toEqual(callFacts("a", { y: "1" }));
  });

  test("cycles and unreadable arguments are cut, not thrown", () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    expect(callFacts("a", circular)).toEqual([]);
    const throwing = Object.defineProperty({}, "bad", {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
    expect(callFacts("a", throwing)).toHaveLength(1);
  });
});

describe("a run record", () => {
  test("holds counts, sizes, hashes and no argument or result", () => {
    const record = recordRun(sampleRun());
    expect(record).toMatchObject({
      v: 1,
      latencyMs: 8_000,
      modelCalls: 3,
      toolCalls: 2,
      failedCalls: 0,
      tools: { get_order: { calls: 1, failed: 0 }, refund_order: { calls: 1, failed: 0 } },
      answer: { given: true, asks: false, refuses: false },
    });
    expect(JSON.stringify(record)).not.toContain("anna@example.com");
    expect(JSON.stringify(record)).not.toContain("A-1001");
  });

  test("survives storage as it is", () => {
    const record = recordRun(sampleRun());
    expect(parseRunReport(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  test("a run of 5,000 calls keeps its first 120 and last 80, with their places", () => {
    const calls = Array.from({ length: 5_000 }, (_, id) => turn([ok("read", { id }, `row ${id}`)]));
    const record = recordRun(sampleRun({ turns: calls }));
    expect(record.calls).toHaveLength(200);
    expect(record.calls.at(-1)).toMatchObject({ step: 4_999 });
    expect(record).toMatchObject({
      toolCalls: 5_000,
      tools: { read: { calls: 5_000, failed: 0 } },
    });
    expect(JSON.stringify(record).length).toBeLessThan(100_000);
  });

  test("a clock that was set back gives no negative time", () => {
    expect(recordRun(sampleRun({ endedAt: "2026-11-01T00:00:00.000Z" })).latencyMs).toBe(0);
    expect(recordRun(sampleRun({ endedAt: "whenever" })).latencyMs).toBe(0);
  });

  test("cyclic arguments, markup and control characters are recorded", () => {
    const circular: Record<string, unknown> = { amount: 10n };
    circular["self"] = circular;
    const record = recordRun(
      sampleRun({
        turns: [turn([ok("<script>\u0000", circular, "\u001B[31m<b>")]), turn([], "ok")],
      }),
    );
    expect(record.toolCalls).toBe(1);
    expect(parseRunReport(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  test("an unanswered call is neither failed nor fine", () => {
    const pending = { tool: "read", arguments: {} };
    const [call] = recordRun(sampleRun({ turns: [turn([pending])] })).calls;
    expect(call).toMatchObject({ answered: false, ok: false, error: null });
  });

  test("the largest result is named with its share and call", () => {
    const turns = [
      turn([ok("a", {}, "x")]),
      turn([ok("b", {}, "y".repeat(30_000))]),
      turn([], "done"),
    ];
    expect(recordRun(sampleRun({ turns })).largestResult).toMatchObject({
      tool: "b",
      step: 1,
      size: 30_000,
    });
  });

  test("errors are cut to their first words", () => {
    const turns = [turn([bad("a", {}, `Error: ${"z".repeat(10_000)}`)]), turn([], "done")];
    expect(recordRun(sampleRun({ turns })).calls[0]?.error).toHaveLength(160);
  });

  test.each([
    ["of a later version", { ...recordRun(sampleRun()), v: 99 }, "run-report-version"],
    ["without a version", {}, "run-report-version"],
    ["that is no object", "record", "run-report-version"],
    ["cut short", { v: 1, executionId: "x" }, "run-report-damaged"],
    ["with a wrong member", { ...recordRun(sampleRun()), toolCalls: -1 }, "run-report-damaged"],
  ])("one %s is refused with a code", (_, value, code) => {
    expect(() => parseRunReport(value)).toThrow(expect.objectContaining({ code }));
  });
});

describe("what is gathered of a conversation", () => {
  const asked = (run: ReturnType<typeof gatherRun>, ...messages: BaseMessage[]): void =>
    run.asked({ messages, tools: [] } as never, "agent");

  test("is the newest request, and how many came before and in between", () => {
    const run = gatherRun();
    const [hello, hi] = [new HumanMessage("Hello"), new AIMessage({ id: "a1", content: "Hi!" })];
    const request = new HumanMessage({ id: "h2", content: "Refund A-1." });
    asked(run, hello, hi, request);
    const reply = new AIMessage({ id: "a2", content: "Which one?" });
    run.replied(reply);
    asked(run, hello, hi, request, reply, new HumanMessage({ id: "h3", content: "The first." }));
    run.replied(new AIMessage({ id: "a3", content: "Refunded." }));
    const facts = run.facts();
    expect(facts.requests.map(({ text }) => text)).toEqual(["Refund A-1.", "The first."]);
    expect(facts.turns.map(({ text }) => text)).toEqual(["Which one?", "Refunded."]);
    expect(recordRun(sampleRun(facts)).requests).toBe(3);
  });
});
