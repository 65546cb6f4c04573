/**
 * The protocol of claims, settlements and leases in many simulated worlds; a broken one prints its
 * seed, by which it comes back.
 *
 * Usage: effects.ts [--seeds <count>] [--from <seed>] [--plant <defect>]
 */
import { parseArgs } from "node:util";

import { simulate } from "../../packages/tool-idempotency/test/simulation/simulate.ts";
import type { Plant } from "../../packages/tool-idempotency/test/simulation/world.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    plant: { type: "string" },
  },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
const startedAt = performance.now();
const sums = { crashes: 0, reused: 0, parked: 0, replanned: 0 };
let broken = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const { faults, crashes, reused, parked, replanned } = await simulate(
    seed,
    values.plant as Plant | undefined,
  );
  sums.crashes += crashes;
  sums.reused += reused;
  sums.parked += parked;
  sums.replanned += replanned;
  if (faults.length === 0) continue;
  broken += 1;
  console.error(`seed ${seed}: ${faults.join("; ")}`);
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.log(
  `${seeds} worlds in ${seconds} s, ${broken} broken: ${sums.crashes} workers died, ${sums.reused} effects were answered from the ledger, ${sums.parked} doubts were decided, ${sums.replanned} changed plans were compared.`,
);
process.exitCode = broken === 0 ? 0 : 1;
