import { sha256, uniqueId } from "@evenkeel/core";
import type { StandingPlans } from "@evenkeel/core";

import { BRANCH_CHANNEL } from "../effects-channel.ts";
import type { IdempotencyContext } from "../options.ts";
import { currentConfigurable } from "./current-configurable.ts";

const PREFIX = "task:";

/**
 * A plan of its own for one entry of a node. It begins with where the node stands: the checkpoint
 * and the task, of each graph around it from the outermost on.
 */
export function newTaskPlan(): string {
  return `${levels().at(-1)?.task ?? PREFIX}${short(uniqueId())}`;
}

/**
 * The plans that hold beside that of the task at work: of nodes that completed before it, as its own
 * checkpoint tells, and of tasks of the same step. What a fork, an edited state or a new attempt left
 * behind is not among them.
 */
export function standingPlans(state: IdempotencyContext["state"]): StandingPlans {
  const plans = Object.keys(state.read(BRANCH_CHANNEL)).filter((one) => one.startsWith(PREFIX));
  return { plans, beside: levels() };
}

/** Notes a plan with what its node writes: it stands once the node has completed. */
export function noteTaskPlan(plan: string, { state, native }: IdempotencyContext): void {
  // Without core's own state, a write would become a Command in place of the tool's answer.
  if (!native) state.write(BRANCH_CHANNEL, { ...noted(state), [plan]: true });
}

// A subgraph hands on what this process saw of it: what an earlier process left there goes along.
function noted(state: IdempotencyContext["state"]): Readonly<Record<string, true>> {
  if (!namespace().includes("|")) return {};
  return Object.fromEntries(standingPlans(state).plans.map((one) => [one, true as const]));
}

/** How plans begin that are made in the same step, and in the same task, of each graph around. */
function levels(): StandingPlans["beside"][number][] {
  const checkpoints = currentConfigurable()["checkpoint_map"];
  const known = (checkpoints ?? {}) as Readonly<Record<string, unknown>>;
  const parts = namespace().split("|");
  const found: StandingPlans["beside"][number][] = [];
  for (const [at, part] of parts.entries()) {
    const checkpoint = known[parts.slice(0, at).join("|")];
    if (!part.includes(":") || typeof checkpoint !== "string") continue;
    const step = `${found.at(-1)?.task ?? PREFIX}${short(checkpoint)}.`;
    found.push({ step, task: `${step}${short(part)}/` });
  }
  return found;
}

function namespace(): string {
  const given = currentConfigurable()["checkpoint_ns"];
  return typeof given === "string" ? given : "";
}

// A store may keep a long name as its hash, of which nobody sees how it begins.
function short(id: string): string {
  return sha256(id).slice(0, 12);
}
