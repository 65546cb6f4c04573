import type { RecordedTurn } from "./turns.ts";

/** A published loop detector, written anew from what its project documents about it. */
export interface PublishedDetector {
  name: string;
  /** Where its behaviour was read. */
  source: string;
  /** True if it would have called the run a loop at any point. */
  detects: (turns: readonly RecordedTurn[]) => boolean;
  /** Consecutive calls [k-1, k] it counts as repeated, where it counts calls. */
  pairs: (turns: readonly RecordedTurn[]) => [number, number][];
}

interface Step {
  call: string;
  answer: string;
  failed: boolean;
}

/**
 * OpenHands `openhands/controller/stuck.py`: 4 equal actions with equal observations in a row; 3 equal
 * actions in a row that all err, once there are 4; 3 equal agent messages with no observation between;
 * two action-observation pairs that alternate over the last 6.
 */
export const openHands: PublishedDetector = {
  name: "OpenHands StuckDetector",
  source: "github.com/All-Hands-AI/OpenHands, openhands/controller/stuck.py",
  detects: (turns) => {
    const steps = stepsOf(turns);
    return (
      monologue(turns) ||
      steps.some((_, index) => stuckAt(steps.slice(Math.max(0, index - 5), index + 1)))
    );
  },
  pairs: (turns) => equalNeighbours(stepsOf(turns), (one, other) => sameStep(one, other)),
};

/**
 * Gemini CLI `loopDetectionService.ts`: 5 calls of the same name and arguments (as JSON, hashed) in a
 * row, or a 50-character chunk of one streamed reply that comes 10 times, on average at most 250
 * characters apart, outside code blocks. Its third stage asks a model and is left out.
 */
export const geminiCli: PublishedDetector = {
  name: "Gemini CLI LoopDetectionService",
  source: "github.com/google-gemini/gemini-cli, packages/core/src/services/loopDetectionService.ts",
  detects: (turns) =>
    longestRow(stepsOf(turns).map(({ call }) => call)) >= 5 ||
    turns.some(({ text }) => chants(text)),
  pairs: (turns) => equalNeighbours(stepsOf(turns), (one, other) => one.call === other.call),
};

/**
 * Cline `src/core/task/loop-detection.ts`: a warning at 3 and an escalation at 5 calls in a row of the
 * same tool with the same parameters, keys sorted, `task_progress` left out. The warning counts here.
 */
export const cline: PublishedDetector = {
  name: "Cline loop detection",
  source: "github.com/cline/cline, src/core/task/loop-detection.ts",
  detects: (turns) => longestRow(stepsOf(turns, sortedKeys).map(({ call }) => call)) >= 3,
  pairs: (turns) =>
    equalNeighbours(stepsOf(turns, sortedKeys), (one, other) => one.call === other.call),
};

/** The calls of a run in order, as detectors compare them. */
export function stepsOf(
  turns: readonly RecordedTurn[],
  render: (value: Record<string, unknown>) => string = JSON.stringify,
): Step[] {
  return turns.flatMap((turn) =>
    turn.calls.map((call) => ({
      call: `${call.tool} ${render(call.arguments)}`,
      answer: call.result ?? "",
      failed: call.failed ?? false,
    })),
  );
}

function sortedKeys(value: Record<string, unknown>): string {
  const keys = Object.keys(value)
    .filter((key) => key !== "task_progress")
    .toSorted();
  return JSON.stringify(keys.map((key) => [key, value[key]]));
}

function stuckAt(recent: readonly Step[]): boolean {
  const four = recent.slice(-4);
  if (four.length < 4) return false;
  const [last] = four.slice(-1);
  if (last === undefined) return false;
  if (four.every((step) => sameStep(step, last))) return true;
  if (four.slice(-3).every((step) => step.call === last.call && step.failed)) return true;
  if (recent.length < 6) return false;
  return recent.every((step, index) => index < 2 || sameStep(step, recent[index - 2]));
}

function monologue(turns: readonly RecordedTurn[]): boolean {
  let row = 0;
  let said = "";
  for (const turn of turns) {
    const silent = turn.calls.length === 0 && turn.text !== "";
    row = silent && turn.text === said ? row + 1 : Number(silent);
    said = silent ? turn.text : "";
    if (row >= 3) return true;
  }
  return false;
}

function chants(text: string): boolean {
  const size = 50;
  const times = 10;
  const seen = new Map<string, number[]>();
  const prose = text.replaceAll(/```[\s\S]*?(?:```|$)/g, "").slice(0, 50_000);
  for (let from = 0; from + size <= prose.length; from += 1) {
    const chunk = prose.slice(from, from + size);
    const places = [...(seen.get(chunk) ?? []), from].slice(-times);
    seen.set(chunk, places);
    const [first] = places;
    if (places.length < times || first === undefined) continue;
    if ((from - first) / (times - 1) <= size * 5) return true;
  }
  return false;
}

function sameStep(one: Step, other: Step | undefined): boolean {
  return other !== undefined && one.call === other.call && one.answer === other.answer;
}

function longestRow(keys: readonly string[]): number {
  let longest = 0;
  let row = 0;
  for (const [index, key] of keys.entries()) {
    row = index > 0 && keys[index - 1] === key ? row + 1 : 1;
    longest = Math.max(longest, row);
  }
  return longest;
}

/** Pairs [k-1, k] of calls of which the second equals the first. */
export function equalNeighbours(
  steps: readonly Step[],
  equal: (one: Step, other: Step) => boolean,
): [number, number][] {
  return steps.flatMap((step, index): [number, number][] => {
    const previous = steps[index - 1];
    return previous !== undefined && equal(previous, step) ? [[index - 1, index]] : [];
  });
}
