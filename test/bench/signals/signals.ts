import { once } from "node:events";
/* Measures loop detection and flags on a corpus of recorded runs: tsx signals.ts --corpus DIR [--out FILE]. */
import { createWriteStream } from "node:fs";
import { parseArgs } from "node:util";

import { corpusFiles, readRuns } from "./corpus.ts";
import { type RecordedRun, judgeCompared, recordedRun } from "./judged-runs.ts";
import { type LoopRow, loopTable, pairTable } from "./loop-report.ts";
import type { Prediction } from "./prediction.ts";
import { replayLoops } from "./replay-loops.ts";
import { byDataset, ruleTable, scoreTable } from "./report.ts";
import { turnsOf } from "./turns.ts";

const { values } = parseArgs({
  options: { corpus: { type: "string" }, out: { type: "string" }, rules: { type: "boolean" } },
});
if (values.corpus === undefined) {
  throw new Error("Name the corpus: npm run bench:signals -- --corpus DIR [--out FILE] [--rules]");
}

const runs: RecordedRun[] = [];
const loops: LoopRow[] = [];
for (const file of await corpusFiles(values.corpus)) {
  for await (const run of readRuns(file)) {
    const turns = turnsOf(run);
    runs.push(recordedRun(run));
    loops.push({
      run: {
        dataset: run.dataset,
        agent: run.agent,
        failed: !run.label.success,
        repetition: run.label.repetition ?? [],
        judgedPairs: run.label.labelledPairs ?? 0,
      },
      turns,
      replay: replayLoops(turns),
    });
  }
}

const compared = judgeCompared(runs, "clean");
const judgedBy = {
  alone: runs.map(({ alone }) => alone),
  compared: runs.map((run, index) => compared[index] ?? run.alone),
};
for (const [how, judgements] of Object.entries(judgedBy)) {
  const rows = runs.flatMap((run, index) => {
    const judgement = judgements[index];
    return judgement === undefined ? [] : [{ run, judgement }];
  });
  console.log(
    `\nFlags, ${how === "alone" ? "each run on its own" : "against the unflagged among its siblings"}\n${scoreTable(rows)}`,
  );
  if (values.rules !== true) continue;
  for (const [dataset, group] of byDataset(rows))
    console.log(`\n${dataset}, rule by rule\n${ruleTable(group)}`);
}
for (const goodRuns of ["labelled", "all"] as const) {
  const judgements = judgeCompared(runs, goodRuns);
  const rows = runs.map((run, index) => ({ run, judgement: judgements[index] ?? run.alone }));
  console.log(
    `\nFor comparison: siblings taken as good are ${goodRuns === "all" ? "all of them" : "those labelled successful"}\n${scoreTable(rows)}`,
  );
}
console.log(`\n${pairTable(loops)}\n\n${loopTable(loops)}`);

if (values.out !== undefined) {
  const file = createWriteStream(values.out);
  for (const [index, run] of runs.entries()) file.write(`${JSON.stringify(predict(run, index))}\n`);
  file.end();
  await once(file, "finish");
}

function predict(run: RecordedRun, index: number): Prediction {
  const judgement = compared[index] ?? run.alone;
  const replay = loops[index]?.replay;
  const worst = replay?.worst;
  return {
    id: run.id,
    score: judgement.score,
    scoreAlone: run.alone.score,
    flags: judgement.flagged ? judgement.flags.map(({ rule }) => rule) : [],
    flagsAlone: run.alone.flagged ? run.alone.flags.map(({ rule }) => rule) : [],
    loop:
      replay === undefined || worst === undefined || replay.action === "none"
        ? null
        : { action: replay.action, kind: worst.kind, rounds: worst.rounds, step: worst.step },
    loopPairs: replay?.pairs ?? [],
  };
}
