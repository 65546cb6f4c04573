import type { Recording, RecordedStep } from "../signals/recording.ts";

/** A run of so many calls, each other than the one before, with results of about one size. */
export function longRecording(calls: number, resultCharacters: number): Recording {
  const turns = Array.from({ length: calls }, (_, index): RecordedStep => ({
    before: index === 0 ? ["Work through the list."] : [],
    tokens: undefined,
    turn: {
      text: "",
      message: index,
      calls: [
        {
          id: `call-${index}`,
          tool: "read_file",
          arguments: { path: `/src/module-${index}/main.ts`, from: index, reason: "look for it" },
          result: logOf(index, resultCharacters),
          failed: false,
          message: index,
        },
      ],
    },
  }));
  const answer: RecordedStep = {
    before: [],
    tokens: undefined,
    turn: { text: "That is all.", message: calls, calls: [] },
  };
  return {
    id: `long-${resultCharacters}`,
    system: undefined,
    steps: [...turns, answer],
    calls: new Map(turns.flatMap(({ turn }) => turn.calls.map((call) => [call.id, call] as const))),
    failedWith: undefined,
  };
}

/** Lines as servers and test runners write them: what is masked in them is what masking costs. */
function logOf(index: number, characters: number): string {
  const lines: string[] = [];
  for (let length = 0, line = 0; length < characters; line += 1) {
    const second = String(10 + (line % 50));
    const text = `2026-05-01T12:00:${second}.123Z worker-${line % 7} pid=${4_000 + line} GET /items/${index * 31 + line} 200 in ${line % 90} ms`;
    lines.push(text);
    length += text.length + 1;
  }
  return lines.join("\n").slice(0, characters);
}
