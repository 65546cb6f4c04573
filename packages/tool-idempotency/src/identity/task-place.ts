import { currentNode } from "@evenkeel/core";
import type { StandingPlans } from "@evenkeel/core";

import type { IdempotencyContext } from "../options.ts";
import { currentConfigurable } from "./current-configurable.ts";
import { newTaskPlan, noteTaskPlan, standingPlans } from "./task-plan.ts";

/** A call that messages do not hold, as it stands among the calls of its node. */
export interface TaskPlace {
  readonly task: string;
  readonly plan: string;
  readonly ordinal: number;
  readonly planned: readonly string[];
  readonly standing: StandingPlans;
}

interface TaskCalls {
  readonly plan: string;
  readonly counts: Map<string, number>;
}

// One for each time a node is entered: entered again, it plans anew.
const entered = new WeakMap<object, TaskCalls>();

/** Where the messages do not hold a call, its task and the order of equal calls in it are all there is. */
export function placeInTask(
  name: string,
  argsHash: string,
  context: IdempotencyContext,
): TaskPlace {
  const configurable = currentConfigurable();
  const node = currentNode() ?? (configurable["__pregel_scratchpad"] as object | undefined) ?? {};
  const known = entered.get(node) ?? { plan: newTaskPlan(), counts: new Map() };
  entered.set(node, known);
  const standing = standingPlans(context.state);
  noteTaskPlan(known.plan, context);
  const ordinal = known.counts.get(`${name} ${argsHash}`) ?? 0;
  known.counts.set(`${name} ${argsHash}`, ordinal + 1);
  const task = configurable["__pregel_task_id"];
  const planned = [...known.counts]
    .filter(([one]) => one.startsWith(`${name} `))
    .flatMap(([one, count]) =>
      Array.from({ length: count }, (_, at) => `${one.slice(name.length + 1)}#${at}`),
    );
  const { plan } = known;
  return { task: typeof task === "string" ? task : "", plan, ordinal, planned, standing };
}
