/* Plays a corpus of recorded runs under loop detection and flags: tsx signals.ts --corpus DIR [--out FILE] [--brief] [--json]. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { parseArgs } from "node:util";

import type { Judgement } from "../../../packages/run-flags/src/index.ts";
import { barTable } from "./bars.ts";
import { loopTable, pairTable } from "./loop-report.ts";
import { type PlayedRun, type Progress, playAmongSiblings, playCorpus } from "./played-runs.ts";
import type { Prediction } from "./prediction.ts";
import { byDataset, ruleTable, scoreTable } from "./report.ts";

const { values } = parseArgs({
  options: {
    corpus: { type: "string" },
    out: { type: "string" },
    brief: { type: "boolean" },
    json: { type: "boolean" },
  },
});
if (values.corpus === undefined) {
  throw new Error("Name the corpus: npm run bench:signals -- --corpus DIR [--out FILE] [--brief]");
}

const began = performance.now();
const sets = await playCorpus(values.corpus, progress("alone"));
const compared = new Map<string, Judgement>();
for (const set of sets) {
  const judged = await playAmongSiblings(set, progress("among siblings"));
  for (const [id, judgement] of judged) compared.set(id, judgement);
}
const runs = sets.flatMap((set) => set.runs);
const seconds = Math.round((performance.now() - began) / 1_000);
const tables: { title: string; text: string }[] = [];
const among = (run: PlayedRun): Judgement => compared.get(run.id) ?? run.alone;
for (const [how, judge] of [
  ["each run on its own", (run: PlayedRun) => run.alone],
  ["against the good ones among its siblings", among],
] as const) {
  const rows = runs.map((run) => ({ run, judgement: judge(run) }));
  tables.push({ title: `Flags, ${how}`, text: scoreTable(rows) });
  if (values.brief === true) continue;
  for (const [dataset, group] of byDataset(rows)) {
    tables.push({ title: `${dataset}, rule by rule`, text: ruleTable(group) });
  }
}
for (const text of [pairTable(runs), loopTable(runs), barTable(runs, compared)]) {
  tables.push({ title: "", text });
}
if (values.json === true) {
  console.log(JSON.stringify({ runs: runs.length, seconds, tables }, undefined, 2));
} else {
  console.log(`${runs.length} runs, each played twice on a graph, in ${seconds} s`);
  for (const { title, text } of tables) console.log(`\n${title === "" ? "" : `${title}\n`}${text}`);
}

if (values.out !== undefined) {
  const file = createWriteStream(values.out);
  for (const run of runs) file.write(`${JSON.stringify(predict(run))}\n`);
  file.end();
  await once(file, "finish");
}

function predict(run: PlayedRun): Prediction {
  const { id, alone, loops } = run;
  const judgement = among(run);
  const { action, worst } = loops;
  return {
    id,
    score: judgement.score,
    scoreAlone: alone.score,
    flags: judgement.flagged ? judgement.flags.map(({ rule }) => rule) : [],
    flagsAlone: alone.flagged ? alone.flags.map(({ rule }) => rule) : [],
    loop: worst === undefined || action === "none" ? null : { action, ...worst },
    loopNoticed: loops.noticed,
    loopPairs: loops.pairs,
  };
}

/** Says on the error stream how far it is, so that figures can be redirected. */
function progress(pass: string): Progress {
  return (dataset, played, all) => {
    if (played % 100 === 0 || played === all) {
      process.stderr.write(`\r${pass}: ${dataset} ${played} of ${all}   `);
    }
    if (played === all) process.stderr.write("\n");
  };
}
