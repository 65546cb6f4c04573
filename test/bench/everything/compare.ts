import type { EvenkeelStore } from "@evenkeel/core";

import { type RoundTimes, timeRounds } from "../measure/interleaved-rounds.ts";
import { runOnce } from "../overhead/bench-run.ts";
import type { BenchWorld } from "../overhead/bench-world.ts";
import type { CaseSide } from "../overhead/cases.ts";
import { type ExactCounts, countRun } from "../overhead/exact-counts.ts";
import type { ModelTask } from "../overhead/scripted-reply.ts";
import { GRAPHS, type Subject, bareSide, everythingSide } from "./sides.ts";

/** One line of the table: a graph, what runs in it, and what that takes. */
export interface EverythingRow {
  readonly graph: string;
  readonly variant: string;
  readonly thinkMs: number;
  readonly calls: number;
  readonly counts: CountedRun;
  readonly bare: CountedRun;
  readonly times: RoundTimes;
}

/** What a run leaves in the database, tables left out. */
type CountedRun = Omit<ExactCounts, "tables">;

/** What is measured, and how long. */
export interface ComparePlan {
  readonly calls: number;
  readonly thinkMs: readonly number[];
  /** Rounds where the model answers at once; where it thinks a third of them, whose times lie closer. */
  readonly rounds: number;
}

const WARM_UP_ROUNDS = 3;

/** Bare, bare again, and everything on, on each kind of graph, in rounds of four runs. */
export async function compareEverything(
  world: BenchWorld,
  store: EvenkeelStore,
  { calls, thinkMs, rounds }: ComparePlan,
  say: (text: string) => void,
): Promise<EverythingRow[]> {
  const rows: EverythingRow[] = [];
  for (const think of thinkMs) {
    for (const [graph, subject] of Object.entries(GRAPHS)) {
      say(`${graph}, ${calls} tool calls, the model thinks ${think} ms`);
      const task = { toolCalls: calls, thinkMs: think };
      const enough = think === 0 ? rounds : Math.ceil(rounds / 3);
      const measured = await compareGraph(world, { subject, store, task, rounds: enough });
      rows.push(...measured.map((row) => ({ graph, thinkMs: think, calls, ...row })));
    }
  }
  return rows;
}

interface GraphPlan {
  readonly subject: Subject;
  readonly store: EvenkeelStore;
  readonly task: ModelTask;
  readonly rounds: number;
}

async function compareGraph(
  world: BenchWorld,
  { subject, store, task, rounds }: GraphPlan,
): Promise<Omit<EverythingRow, "graph" | "thinkMs" | "calls">[]> {
  const { database } = world;
  const bare = bareSide(subject);
  const sides: Readonly<Record<string, CaseSide>> = {
    "bare (A/A)": bare,
    "all on, calls that read": everythingSide(subject, store, "pure"),
    "all on, calls that act": everythingSide(subject, store, "once"),
  };
  await database.clear();
  const counts: [string, CountedRun][] = [];
  for (const [title, side] of Object.entries(sides)) counts.push([title, await counted(side)]);
  const [[, bareCounts] = ["", await counted(bare)]] = counts;
  const times = await timeRounds({
    reference: running(bare),
    variants: Object.fromEntries(
      Object.entries(sides).map(([title, side]) => [title, running(side)]),
    ),
    rounds,
    warmUpRounds: WARM_UP_ROUNDS,
    betweenBatches: () => database.clear(),
  });
  return counts.flatMap(([variant, count]) => {
    const took = times[variant];
    return took === undefined ? [] : [{ variant, counts: count, bare: bareCounts, times: took }];
  });

  function running(side: CaseSide): () => Promise<unknown> {
    const built = world.build(side, task);
    return () => runOnce(built, side);
  }

  async function counted(side: CaseSide): Promise<CountedRun> {
    // What happens once a process or once a minute is no part of a run: looks at the schema's
    // version, and at the history that flags compare with.
    await runOnce(world.build(side, task), side);
    const { tables: _, ...count } = await countRun(world, side, task);
    return count;
  }
}
