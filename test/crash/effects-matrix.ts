/**
 * The crash matrix of tool-idempotency: every named point × what the agent does × the kinds of graph
 * × both durabilities, killed by SIGKILL in processes of their own on a real Postgres, and beside it
 * the bare graph, whose duplicates are counted. What happened is read from the payment service's own
 * table, by what it was about.
 *
 * Usage: effects-matrix.ts [--resume <file>] [--only <pattern>] [--concurrency <count>]
 */
import { parseArgs } from "node:util";

import { crashMatrix, freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { MatrixCase } from "@evenkeel/testing";

import {
  effectsScript,
  effectsStage,
  faultsOf,
  runCase,
  titleOf,
} from "../../packages/tool-idempotency/test/support/effects-case.ts";
import type {
  EffectsCase,
  EffectsOutcome,
} from "../../packages/tool-idempotency/test/support/effects-case.ts";
import { KINDS, SCENES } from "../../packages/tool-idempotency/test/support/effects-job.ts";

const { values } = parseArgs({
  options: {
    resume: { type: "string" },
    only: { type: "string" },
    concurrency: { type: "string" },
  },
});

const around = (name: string): string[] => [`${name}:before`, `${name}:after`];
const OURS = ["lease", "claim", "effect", "settle"].flatMap(around);
const THEIRS = ["checkpoint:call", "writes:answer", "checkpoint:answer"].flatMap(around);
const BARE = [...around("effect"), ...THEIRS];
const DURABILITIES = ["sync", "async"] as const;

const cases = KINDS.flatMap((kind) => [
  ...SCENES.flatMap((scene) =>
    DURABILITIES.flatMap((durability): EffectsCase[] => {
      const shared = { kind, scene, durability };
      const hits = scene === "three parallel" ? [1, 2, 3] : [1];
      return [
        ...[...OURS, ...THEIRS].flatMap((at) =>
          hits
            .filter((hit) => hit === 1 || /^(?:claim|effect|settle)/.test(at))
            .map((hit) => ({ ...shared, at, hit, bare: false })),
        ),
        ...BARE.map((at) => ({ ...shared, at, bare: true })),
      ];
    }),
  ),
  ...["effect:after", "settle:before", "settle:after", "writes:answer:after"].flatMap((at) =>
    DURABILITIES.map((durability): EffectsCase => ({
      kind,
      scene: "planned anew",
      durability,
      at,
      bare: false,
    })),
  ),
]).filter((one) => new RegExp(values.only ?? "").test(titleOf(one)));

const endpoint = await startOpenAIEndpoint({ script: effectsScript });
const database = await freshDatabase({ maxConnections: 6 });
const stage = await effectsStage(endpoint, database);

// What an execution comes to that nobody kills, once for each kind and scene.
const references = new Map<string, Promise<EffectsOutcome>>();
function uncrashed({ kind, scene }: EffectsCase): Promise<EffectsOutcome> {
  const name = `${kind} ${scene}`;
  const known = references.get(name);
  if (known !== undefined) return known;
  const reference = runCase({ kind, scene, durability: "sync", bare: false }, stage);
  references.set(name, reference);
  return reference;
}

interface Counted {
  readonly crashed: boolean;
  readonly bare: boolean;
  readonly twice: number;
  readonly lost: number;
  readonly busy: number;
  readonly reused: number;
}

let done = 0;
const matrix = cases.map((one): MatrixCase<Counted> => ({
  name: titleOf(one),
  run: async () => {
    const reference = await uncrashed(one);
    const outcome = await runCase(one, stage);
    const faults = one.bare ? [] : faultsOf(one, outcome, reference);
    if (faults.length > 0) throw new Error(faults.join("; "));
    const times = Object.keys(reference.done).map((about) => outcome.done[about] ?? 0);
    return {
      crashed: outcome.crashed,
      bare: one.bare,
      twice: times.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
      lost: times.filter((count) => count === 0).length,
      busy: outcome.busy,
      reused: outcome.events.filter((name) => name === "effect-reused").length,
    };
  },
}));
const report = await crashMatrix(matrix, {
  ...(values.resume === undefined ? {} : { resumeFile: values.resume }),
  ...(values.concurrency === undefined ? {} : { concurrency: Number(values.concurrency) }),
  onResult: (result) => {
    done += 1;
    const why = result.passed ? "" : ` ${String(result.error)}`;
    console.log(`${done}/${matrix.length} ${result.passed ? "ok  " : "FAIL"} ${result.name}${why}`);
  },
});

const passed = report.results.flatMap((result) => (result.passed ? [result.result] : []));
const sum = (of: (one: Counted) => number, bare: boolean): number =>
  passed.filter((one) => one.bare === bare && one.crashed).reduce((all, one) => all + of(one), 0);
const crashes = (bare: boolean): number => sum(() => 1, bare);
const ours = report.results.filter(({ name }) => !name.endsWith(", bare"));
const failed = ours.filter((result) => !result.passed).length;
console.log(
  `With tool-idempotency: ${crashes(false)} crashes, ${sum(({ twice }) => twice, false)} effects twice, ${sum(({ lost }) => lost, false)} lost, ${failed} cases failed; ${sum(({ reused }) => reused, false)} answers came from the ledger, ${sum(({ busy }) => busy, false)} times execution-busy.`,
);
console.log(
  `Stock LangGraph: ${crashes(true)} crashes, ${sum(({ twice }) => twice, true)} effects twice.`,
);
const missed = passed.filter(({ crashed }) => !crashed).length;
console.log(
  `${missed} cases never came to their point. ${report.passed} of ${matrix.length} cases passed in ${Math.round(report.durationMs / 1_000)} s, ${report.resumed} of them before.`,
);
await stage.payments.close();
await endpoint.close();
await database.drop();
process.exitCode = report.failed === 0 ? 0 : 1;
