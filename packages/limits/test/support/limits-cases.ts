import { SHAPES } from "./agent.ts";
import type { CrashCase, CrashOutcome, Cut } from "./limits-case.ts";

const KILLS = 3;
const TOKENS_A_CALL = 100;

/** Every case of the crash matrix. */
export function matrixCases(): CrashCase[] {
  const shapes = [...SHAPES, "subgraph"] as const;
  const cuts: readonly Cut[] = ["model", "tool", "after-effect", "checkpoint"];
  const durabilities = ["sync", "async"] as const;
  return shapes.flatMap((shape) => [
    ...cuts.flatMap((cut) =>
      durabilities.map((durability): CrashCase => ({
        shape,
        cut,
        durability,
        kills: cut === "checkpoint" ? 2 : KILLS,
        budget: budgetOf(cut),
      })),
    ),
    retryCase(shape),
    breakerCase(shape),
  ]);
}

function budgetOf(cut: Cut): object {
  switch (cut) {
    case "model":
      return { perExecution: { modelCalls: KILLS }, exitBehavior: "end" };
    case "tool":
    case "after-effect":
      return { perExecution: { toolCalls: KILLS } };
    case "checkpoint":
      return { perExecution: { tokens: 8 * TOKENS_A_CALL } };
  }
}

/** Retries that were granted stay granted: an unpaid first try a process, and three that are paid for. */
function retryCase(shape: CrashCase["shape"]): CrashCase {
  return {
    shape,
    cut: "after-effect",
    kills: 1,
    tool: "fails",
    toolRetries: 9,
    budget: { retryBudget: { perExecution: 3, reward: 0 }, perExecution: { modelCalls: 2 } },
  };
}

/** A breaker that opened stays open. */
function breakerCase(shape: CrashCase["shape"]): CrashCase {
  return {
    shape,
    cut: "after-effect",
    kills: 1,
    tool: "fails",
    toolRetries: 0,
    budget: { perExecution: { modelCalls: 4 } },
    breaker: { window: 1, minimumCalls: 1, halfOpenAfterMs: 3_600_000 },
  };
}

/** The name of a case. */
export function titleOf({ shape, cut, durability = "sync", tool, breaker }: CrashCase): string {
  const what = breaker !== undefined ? ", breaker" : tool === "fails" ? ", retries" : "";
  return `${shape}, ${cut}, ${durability}${what}`;
}

/** What of an outcome is not as promised; empty where all is. */
export function faultsOf(one: CrashCase, outcome: CrashOutcome): string[] {
  const { cut, durability = "sync", tool, breaker } = one;
  const { lost, dangling, modelCalls, toolCalls, kept } = outcome;
  if (lost) return durability === "async" ? [] : ["nothing was durable"];
  const faults: string[] = [];
  const check = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  const { sums } = (kept as Kept).execution;
  check(dangling.length === 0, `calls without an answer: ${dangling.join(", ")}`);
  if (breaker !== undefined) {
    // The one before the crash, the one that opened it.
    check(toolCalls <= 2, `${toolCalls} calls of a tool whose breaker is open`);
  } else if (tool === "fails") {
    check(toolCalls <= 5, `${toolCalls} tool calls, 5 are paid for`);
    check(sums.retries === 3, `${sums.retries} retries kept`);
  } else if (cut === "model") {
    check(modelCalls <= KILLS, `the model was asked ${modelCalls} times`);
  } else if (cut === "checkpoint") {
    // A call that was under way when the process died was paid for, and nobody knows how much.
    const slack = durability === "async" ? 2 * TOKENS_A_CALL : 0;
    const paid = modelCalls * TOKENS_A_CALL;
    check(sums.tokens <= paid && sums.tokens >= paid - slack, `${sums.tokens} of ${paid} tokens`);
  } else {
    check(toolCalls <= (cut === "tool" ? 0 : KILLS), `${toolCalls} tool calls had an effect`);
    check(sums.toolCalls >= KILLS || durability === "async", `${sums.toolCalls} tool calls kept`);
  }
  return faults;
}

interface Kept {
  readonly execution: {
    readonly sums: {
      readonly tokens: number;
      readonly toolCalls: number;
      readonly retries: number;
    };
  };
}
