import { type BaselineEntry, baselineEntry, summarizeBaseline } from "../src/baseline.ts";
import { type Judgement, type JudgeOptions, judge } from "../src/judge.ts";
import { recordRun } from "../src/record-run.ts";
import type { RunCall, RunFacts, RunTurn } from "../src/run-facts.ts";

/** The facts of a run that looked up an order, refunded it and said so; any part can be replaced. */
export function sampleRun(fields: Partial<RunFacts> = {}): RunFacts {
  return {
    executionId: "execution-1",
    graph: "refunds",
    outcome: "completed",
    startedAt: "2026-11-02T10:00:00.000Z",
    endedAt: "2026-11-02T10:00:08.000Z",
    requests: [{ text: "Please refund order A-1001 for anna@example.com.", beforeTurn: 0 }],
    turns: [
      turn([ok("get_order", { id: "A-1001" }, '{"id": "A-1001", "total": 40}')]),
      turn([ok("refund_order", { id: "A-1001", amount: 40 }, '{"status": "refunded"}')]),
      turn([], "Order A-1001 was refunded: 40 EUR go back to anna@example.com."),
    ],
    ...fields,
  };
}

/** A reply with calls, or with a text. */
export function turn(calls: readonly RunCall[], text = ""): RunTurn {
  return { text, calls };
}

/** A call that succeeded. */
export function ok(tool: string, callArguments: unknown, result: string): RunCall {
  return { tool, arguments: callArguments, result };
}

/** A call that failed. */
export function bad(tool: string, callArguments: unknown, result: string): RunCall {
  return { tool, arguments: callArguments, result, failed: true };
}

/** A run that ends with this answer after the sample's calls. */
export function answering(text: string, request = "Please refund order A-1001."): RunFacts {
  const { turns } = sampleRun();
  return sampleRun({
    turns: [...turns.slice(0, 2), turn([], text)],
    requests: [{ text: request, beforeTurn: 0 }],
  });
}

/** Judges a run, against a history of runs where one is given. */
export function judged(
  facts: RunFacts,
  history?: readonly RunFacts[],
  options?: JudgeOptions,
): Judgement {
  const entries = history?.map((run): BaselineEntry => baselineEntry(recordRun(run)));
  return judge(recordRun(facts), entries && summarizeBaseline(entries), options);
}

/** The names of the rules that spoke. */
export function rulesOf(judgement: Judgement): string[] {
  return judgement.flags.map(({ rule }) => rule);
}

/** The same run, several times over. */
export function times(count: number, facts: RunFacts = sampleRun()): RunFacts[] {
  return Array.from({ length: count }, () => facts);
}
