import type { CorpusRun } from "./corpus.ts";
import { type RecordedCall, type RecordedTurn, turnsOf } from "./turns.ts";

/** What a recorded run does when it is played again, step by step. */
export interface Recording {
  id: string;
  /** What the model is told first; undefined where nothing of it was recorded. */
  system: string | undefined;
  steps: readonly RecordedStep[];
  /** Its calls with their answers, by id. */
  calls: ReadonlyMap<string, RecordedCall>;
  /** What the run failed with once its steps were through; undefined where it did not fail. */
  failedWith: string | undefined;
}

/** One reply of the model, and what people said before it. */
export interface RecordedStep {
  before: readonly string[];
  turn: RecordedTurn;
  /** Tokens of the call, as they were recorded, or its equal share of the run's. */
  tokens: { input: number; output: number } | undefined;
}

/** Reads a run as steps; its label is never looked at. */
export function recordingOf(run: CorpusRun): Recording {
  const turns = turnsOf(run);
  const { messages, exit } = run;
  const first = messages[0];
  let from = 0;
  const steps = turns.map((turn, index): RecordedStep => {
    const between = messages.slice(from, turn.message);
    from = turn.message + 1;
    const before = between.filter(({ role }) => role === "user").map(({ content }) => content);
    return { before, turn, tokens: tokensOf(run, turn.message, index, turns.length) };
  });
  return {
    id: run.id,
    system: first?.role === "system" ? first.content : undefined,
    steps,
    calls: new Map(turns.flatMap(({ calls }) => calls.map((call) => [call.id, call] as const))),
    failedWith: exit?.startsWith("error") === true ? exit : undefined,
  };
}

const missingTool =
  /(?:unknown|not a valid|no such|invalid) (?:tool|function|command|action)|(?:tool|function|command) .{0,60}(?:not found|does not exist|is not (?:available|defined))/i;

/** The tools there were: all that were called and once did not answer that there is no such tool. */
export function toolNamesOf(recordings: readonly Recording[]): string[] {
  const calls = recordings.flatMap(({ steps }) => steps.flatMap(({ turn }) => turn.calls));
  const there = calls.filter(
    ({ failed, result = "" }) => failed !== true || !missingTool.test(result.slice(0, 2_000)),
  );
  return [...new Set(there.map(({ tool }) => tool))].toSorted();
}

function tokensOf(
  { messages, usage }: CorpusRun,
  message: number,
  index: number,
  turns: number,
): RecordedStep["tokens"] {
  const own = messages[message]?.usage;
  if (own !== undefined) return { input: own.inputTokens, output: own.outputTokens };
  if (usage === null) return undefined;
  const share = (total: number): number =>
    Math.floor((total * (index + 1)) / turns) - Math.floor((total * index) / turns);
  return { input: share(usage.inputTokens), output: share(usage.outputTokens) };
}
