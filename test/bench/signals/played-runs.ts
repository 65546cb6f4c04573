import { type EvenkeelStore, memoryStore } from "@evenkeel/core";

import { runFlagsMiddleware } from "../../../packages/run-flags/src/index.ts";
import type { Judgement, KeptRun } from "../../../packages/run-flags/src/index.ts";
import { type CorpusRun, corpusFiles, readRuns } from "./corpus.ts";
import { type Recording, recordingOf, toolNamesOf } from "./recording.ts";
import { replayer } from "./replay.ts";
import type { SeenLoops } from "./seen-loops.ts";

/** A recorded run with what both middleware made of it, and what is known of it besides. */
export interface PlayedRun {
  id: string;
  dataset: string;
  task: string;
  agent: string;
  failed: boolean;
  /** Pairs of calls that people labelled as repetition, and how many consecutive pairs they judged. */
  repetition: readonly [number, number][];
  judgedPairs: number;
  recording: Recording;
  /** As it was kept in the store. */
  kept: KeptRun;
  /** The judgement without a baseline. */
  alone: Judgement;
  loops: SeenLoops;
}

/** The runs of one data set, and the store that keeps their records. */
export interface PlayedSet {
  runs: PlayedRun[];
  store: EvenkeelStore;
  toolNames: string[];
}

/** Told how many runs were played. */
export type Progress = (dataset: string, played: number, all: number) => void;

/** Plays every run of a corpus once, each on its own; `wanted` names the data sets, all by default. */
export async function playCorpus(
  directory: string,
  progress: Progress = () => undefined,
  wanted?: readonly string[],
): Promise<PlayedSet[]> {
  const sets: PlayedSet[] = [];
  for (const file of await corpusFiles(directory)) {
    const runs: CorpusRun[] = [];
    for await (const run of readRuns(file)) {
      if (wanted === undefined || wanted.includes(run.dataset)) runs.push(run);
    }
    if (runs.length > 0) sets.push(await playSet(runs, progress));
  }
  return sets;
}

async function playSet(runs: readonly CorpusRun[], progress: Progress): Promise<PlayedSet> {
  const recordings = runs.map(recordingOf);
  const toolNames = toolNamesOf(recordings);
  const store = memoryStore();
  const flags = runFlagsMiddleware({ store, baseline: false });
  const play = replayer({ flags, store, toolNames });
  const played: PlayedRun[] = [];
  for (const [index, { id, dataset, task, agent, label }] of runs.entries()) {
    const recording = recordings[index];
    if (recording === undefined) continue;
    const { kept, loops } = await play(recording);
    played.push({
      id,
      dataset,
      task,
      agent,
      failed: !label.success,
      repetition: label.repetition ?? [],
      judgedPairs: label.labelledPairs ?? 0,
      recording,
      kept,
      alone: kept.judgement,
      loops,
    });
    progress(dataset, played.length, runs.length);
  }
  await flags.flush();
  return { runs: played, store, toolNames };
}

/** Fewer siblings of a task than this say too little: then the agent's other runs are the siblings. */
const minSiblings = 5;

/**
 * Plays every run of a set once more, against the records of its siblings: the runs of the same task
 * where there are at least five others, else the same agent's. The middleware itself chooses the good
 * ones among them and never takes the run's own record.
 */
export async function playAmongSiblings(
  { runs, store, toolNames }: PlayedSet,
  progress: Progress = () => undefined,
): Promise<Map<string, Judgement>> {
  const byTask = groupBy(runs, ({ task }) => task);
  const byAgent = groupBy(runs, ({ agent }) => agent);
  const judged = new Map<string, Judgement>();
  const hasTask = ({ task }: PlayedRun): boolean => (byTask.get(task)?.length ?? 0) > minSiblings;
  const groups: [PlayedRun[], PlayedRun[]][] = [
    ...[...byTask.values()].map((group): [PlayedRun[], PlayedRun[]] => [
      group.filter(hasTask),
      group,
    ]),
    ...[...byAgent.values()].map((group): [PlayedRun[], PlayedRun[]] => [
      group.filter((run) => !hasTask(run)),
      group,
    ]),
  ];
  for (const [members, siblings] of groups) {
    if (members.length === 0) continue;
    const history = memoryStore();
    for (const { id } of siblings) {
      const record = await store.getRecord(id);
      if (record !== undefined) await history.putRecord(record);
    }
    const flags = runFlagsMiddleware({ store: history });
    const play = replayer({ flags, store: history, toolNames });
    for (const { id, dataset, recording } of members) {
      judged.set(id, (await play(recording)).kept.judgement);
      progress(dataset, judged.size, runs.length);
    }
    await flags.flush();
  }
  return judged;
}

function groupBy(
  runs: readonly PlayedRun[],
  key: (run: PlayedRun) => string,
): Map<string, PlayedRun[]> {
  const groups = new Map<string, PlayedRun[]>();
  for (const run of runs) {
    const group = groups.get(key(run));
    if (group === undefined) groups.set(key(run), [run]);
    else group.push(run);
  }
  return groups;
}
