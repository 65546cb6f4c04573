/** Tells the same agent nothing, then everything, of the attempt that failed. */
import { runAgent } from "./run-agent.ts";

for (const told of [false, true]) {
  console.log(told ? "\nTold what failed:" : "Three attempts, told nothing:");
  for (const line of await runAgent(told)) console.log(line);
}
