import type { RunFacts } from "../../../packages/run-flags/src/run-facts.ts";
import type { CorpusRun } from "./corpus.ts";
import { replayLoops } from "./replay-loops.ts";
import { turnsOf } from "./turns.ts";

const missingTool =
  /(?:unknown|not a valid|no such|invalid) (?:tool|function|command|action)|(?:tool|function|command) .{0,60}(?:not found|does not exist|is not (?:available|defined))/i;

/** Reads a recorded run as the facts a run record is made from; its label is never looked at. */
export function factsOf(run: CorpusRun): RunFacts {
  const turns = turnsOf(run);
  const requests = run.messages.flatMap((message, index) =>
    message.role === "user"
      ? [{ text: message.content, beforeTurn: turns.filter((turn) => turn.message < index).length }]
      : [],
  );
  const calledTurns = turns.map(({ text, calls, message }) => ({
    text,
    message,
    calls: calls.map((call) => ({
      ...call,
      known: !(call.failed === true && missingTool.test(call.result ?? "")),
    })),
  }));
  const { worst, action } = replayLoops(calledTurns);
  return {
    executionId: run.id,
    graph: `${run.dataset}/${run.agent}`,
    mode: "replay",
    outcome: run.exit?.startsWith("error") ? "failed" : "completed",
    startedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-01T00:00:00.000Z",
    requests: requests.filter(
      ({ text }, index) => requests.findIndex((request) => request.text === text) === index,
    ),
    turns: calledTurns,
    ...(worst === undefined
      ? {}
      : { loop: { kind: worst.kind, rounds: worst.rounds, action, step: worst.step } }),
    ...(run.usage === null
      ? {}
      : { tokens: { input: run.usage.inputTokens, output: run.usage.outputTokens } }),
  };
}
