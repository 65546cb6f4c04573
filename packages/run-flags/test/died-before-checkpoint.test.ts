import { memoryStore } from "@evenkeel/core";
import type { EvenkeelStore } from "@evenkeel/core";
import { MemorySaver } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { runFlagsMiddleware } from "../src/index.ts";
import type { FlaggedRun, KeptRun } from "../src/index.ts";
import { BAD, GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";
import type { Script } from "./support/refund-agent.ts";

type Put = Parameters<MemorySaver["put"]>;

/** Keeps what tasks write, and loses the checkpoints that hold as many messages or more. */
class LosingSaver extends MemorySaver {
  losesFrom = Number.POSITIVE_INFINITY;
  override async put(...[config, checkpoint, metadata]: Put): ReturnType<MemorySaver["put"]> {
    const messages = checkpoint.channel_values["messages"];
    if (Array.isArray(messages) && messages.length >= this.losesFrom) throw new Error("Power cut.");
    return super.put(config, checkpoint, metadata);
  }
}

async function found(store: EvenkeelStore): Promise<KeptRun> {
  const [record] = await store.listRecords({ limit: 1 });
  return record?.facts["runFlags"] as KeptRun;
}

/** Two processes: the first loses its checkpoints from some message on, the second goes on. */
async function inTwoProcesses(script: Script, losesFrom: number) {
  const store = memoryStore();
  const checkpointer = new LosingSaver();
  checkpointer.losesFrom = losesFrom;
  const first = refundAgent(script, [runFlagsMiddleware({ store })], { checkpointer });
  await expect(first.invoke(request(), { ...onThread("t"), durability: "sync" })).rejects.toThrow(
    "Power cut.",
  );
  checkpointer.losesFrom = Number.POSITIVE_INFINITY;
  const heard: FlaggedRun[] = [];
  const flags = runFlagsMiddleware({
    store,
    routes: [{ from: "info", to: (run) => void heard.push(run) }],
  });
  const second = refundAgent(script, [flags], { checkpointer });
  const { messages } = await second.invoke(null, { ...onThread("t"), durability: "sync" });
  await flags.flush();
  return { messages, heard, run: await found(store) };
}

/** The same execution in one process. */
async function inOneProcess(script: Script): Promise<KeptRun> {
  const store = memoryStore();
  const flags = runFlagsMiddleware({ store });
  await refundAgent(script, [flags]).invoke(request(), onThread("t"));
  await flags.flush();
  return found(store);
}

const rulesOf = ({ judgement }: KeptRun): string[] =>
  (judgement?.flags ?? []).map(({ rule }) => rule).filter((rule) => rule !== "retried");

test("an answer that was durable before its checkpoint was judges the run that only takes it in", async () => {
  const whole = await inOneProcess(BAD);
  const { messages, run, heard } = await inTwoProcesses(BAD, 6);
  expect(messages).toHaveLength(6);
  expect(rulesOf(whole)).toEqual(expect.arrayContaining(["answer-refuses", "last-call-failed"]));
  expect(rulesOf(run).toSorted()).toEqual(rulesOf(whole).toSorted());
  expect(run.judgement?.flagged).toBe(true);
  expect(run.report.answer).toEqual(whole.report.answer);
  // An error that was thrown in this process is kept without the tool node's words around it.
  const done = ({ report }: KeptRun) =>
    report.calls.map(({ call, ok, facts }) => [call, ok, facts]);
  expect(done(run)).toEqual(done(whole));
  expect(run.report).toMatchObject({ outcome: "completed", resumes: 1, modelCalls: 3 });
  expect(heard.at(-1)?.outcome).toBe("completed");
});

test.each([2, 3, 4, 5, 6])(
  "a good run stays good whichever message was durable before its checkpoint: %i",
  async (losesFrom) => {
    const whole = await inOneProcess(GOOD);
    const { run } = await inTwoProcesses(GOOD, losesFrom);
    expect(rulesOf(run)).toEqual(rulesOf(whole));
    const { answer, calls, modelCalls, toolCalls, tools, requests, tokens } = whole.report;
    const { offered, toolSetHash } = whole.report;
    expect(run.report).toMatchObject({ answer, calls, modelCalls, toolCalls, tools, requests });
    expect(run.report).toMatchObject({ tokens, offered, toolSetHash });
    expect(run).toMatchObject({ judgement: { flagged: false }, clean: true });
  },
);
