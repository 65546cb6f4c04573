import { baselineEntry, summarizeBaseline } from "../../../packages/run-flags/src/baseline.ts";
import { judge } from "../../../packages/run-flags/src/judge.ts";
import { recordRun } from "../../../packages/run-flags/src/record-run.ts";

/** What one execution's record and judgement take of the processor, in milliseconds. */
export interface Computing {
  readonly calls: number;
  readonly recordMs: number;
  readonly judgeMs: number;
  readonly recordBytes: number;
}

const HISTORY = 50;
const TIMES = 500;

/** Times the pure parts for a run of that many calls, judged against fifty good runs. */
export function measureComputing(calls: number): Computing {
  const turns = Array.from({ length: calls }, (_, index) => ({
    text: "",
    calls: [
      {
        tool: "search_orders",
        arguments: { query: `order ${index}` },
        result: JSON.stringify({ query: index, hits: ["a", "b"], total: 2 }),
      },
    ],
  }));
  const facts = {
    executionId: "execution",
    outcome: "completed" as const,
    startedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-01T00:00:01.000Z",
    requests: [{ text: "Find the orders a and b.", beforeTurn: 0 }],
    turns: [...turns, { text: "Two orders were found: a and b.", calls: [] }],
  };
  const record = recordRun(facts);
  const baseline = summarizeBaseline(Array.from({ length: HISTORY }, () => baselineEntry(record)));
  return {
    calls,
    recordMs: processorMs(() => recordRun(facts)),
    judgeMs: processorMs(() => [judge(record, undefined), judge(record, baseline)]),
    recordBytes: JSON.stringify(record).length,
  };
}

function processorMs(work: () => unknown): number {
  for (let index = 0; index < TIMES; index += 1) work();
  const before = process.cpuUsage();
  for (let index = 0; index < TIMES; index += 1) work();
  const { user, system } = process.cpuUsage(before);
  return Math.round((user + system) / TIMES) / 1_000;
}
