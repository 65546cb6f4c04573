import { crash, run } from "@evenkeel/testing";
import type {
  ChatReply,
  ChatScriptFunction,
  FreshDatabase,
  OpenAIEndpoint,
} from "@evenkeel/testing";

import { CASE_HEADER, SITE_HEADER } from "./freeze-job.ts";
import type { FreezeJob, FreezeReport } from "./freeze-job.ts";
import { frozenPart } from "./frozen-part.ts";
import type { FrozenPart } from "./frozen-part.ts";
import type { Shape } from "./shapes.ts";

/** Where an execution is cut in two. */
export type Cut = "model" | "first model call" | "tool" | "between steps" | "interrupt" | "fork";

/** One execution that another version of the code carries to its end. */
export interface FreezeCase {
  readonly shape: Shape;
  readonly cut: Cut;
  readonly durability: "sync" | "async";
  readonly frozen: boolean;
}

/** What an execution sent, by call site, before and after the deploy. */
export interface FreezeOutcome {
  readonly text: string;
  /** There was nothing to go on from. */
  readonly lost: boolean;
  readonly before: ReadonlyMap<string, FrozenPart[]>;
  readonly after: ReadonlyMap<string, FrozenPart[]>;
}

/** The name of a case. */
export function titleOf({ shape, cut, durability, frozen }: FreezeCase): string {
  return `${shape}, ${cut}, ${durability}${frozen ? "" : ", bare"}`;
}

// After how many checkpoints a model was called and its tool is next; those of subgraphs count.
const BETWEEN: Record<Shape, number> = {
  "three prompts": 8,
  subgraphs: 6,
  "createReactAgent v1": 4,
  "createReactAgent v2": 4,
  createAgent: 4,
  deepagents: 7,
};

// The three-prompt graph makes three calls a round, and its tool runs once a round: it is cut in the
// second round, when its changing prompt has been seen to change.
function pointOf({ shape, cut }: FreezeCase): { at: string; hit?: number } | undefined {
  const rounds = shape === "three prompts";
  switch (cut) {
    case "model":
      return { at: "model", hit: rounds ? 5 : 2 };
    case "first model call":
      return { at: "model", hit: 1 };
    case "tool":
      return { at: "tool", hit: rounds ? 2 : 1 };
    case "between steps":
      return { at: "checkpoint", hit: BETWEEN[shape] };
    case "interrupt":
    case "fork":
      return undefined;
  }
}

const SCRIPT = new URL("./freeze-program.ts", import.meta.url);

/** Carries an execution through its cut: the first part runs on Monday's code, the rest on Tuesday's. */
export async function runCase(
  freezeCase: FreezeCase,
  { endpoint, database }: { endpoint: OpenAIEndpoint; database: FreshDatabase },
): Promise<FreezeOutcome> {
  const { shape, cut, durability, frozen } = freezeCase;
  const thread = titleOf(freezeCase);
  const job: FreezeJob = {
    shape,
    thread,
    url: endpoint.url,
    database: database.url,
    schema: database.schema ?? "public",
    durability,
    frozen,
    release: "monday",
    act: "start",
    asks: cut === "interrupt",
  };
  const options = (next: FreezeJob): { script: URL; args: string[]; bundle: boolean } => ({
    script: SCRIPT,
    args: [JSON.stringify(next)],
    bundle: true,
  });
  const point = pointOf(freezeCase);
  await (point === undefined ? run(options(job)) : crash({ ...options(job), ...point }));
  const before = sentBy(endpoint, thread);
  const act = cut === "interrupt" ? "resume" : cut === "fork" ? "fork" : "continue";
  const { result } = await run<FreezeReport>(options({ ...job, release: "tuesday", act }));
  const after = new Map(
    [...sentBy(endpoint, thread)].map(([site, parts]) => [
      site,
      parts.slice(before.get(site)?.length ?? 0),
    ]),
  );
  return { text: result.text, lost: result.lost, before, after };
}

/** What of the outcome is not as promised; empty where all is. */
export function faultsOf(
  { cut, frozen, durability }: FreezeCase,
  { before, after, lost }: FreezeOutcome,
): string[] {
  // With "async" LangGraph may lose the whole execution, and its configuration with it.
  if (lost) return durability === "async" ? [] : ["nothing was durable"];
  const faults: string[] = [];
  const check = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  for (const site of new Set([...before.keys(), ...after.keys()])) {
    const earlier = before.get(site) ?? [];
    const later = after.get(site) ?? [];
    const [first, ...others] = [...earlier, ...later];
    if (first === undefined) continue;
    const same = (part: FrozenPart): boolean => part.rest === first.rest;
    if (!frozen) {
      const differs = later.every((part) => !same(part) && part.prompt !== first.prompt);
      check(earlier.length === 0 || differs, `${site}: the bare graph kept its configuration`);
      continue;
    }
    check(others.every(same), `${site}: settings or tools changed`);
    // The prompt of this site says how far the work is: once it was seen to change, it is left alone.
    const dynamic = site === "act" && earlier.length > 1;
    const prompts = others.every(({ prompt }) => prompt === first.prompt);
    const live = later.every(({ prompt }) => prompt.includes("You are strict."));
    check(site === "act" || prompts, `${site}: the prompt changed`);
    check(!dynamic || live, `${site}: a dynamic prompt was replaced`);
  }
  const sites = [...after.keys()].filter((site) => (before.get(site) ?? []).length > 0);
  check(
    sites.some((site) => (after.get(site) ?? []).length > 0),
    `${cut}: no site was called twice`,
  );
  return faults;
}

function sentBy(endpoint: OpenAIEndpoint, thread: string): Map<string, FrozenPart[]> {
  const sites = new Map<string, FrozenPart[]>();
  for (const { headers, rawBody } of endpoint.requests) {
    if (headers[CASE_HEADER] !== thread) continue;
    const site = String(headers[SITE_HEADER]);
    sites.set(site, [...(sites.get(site) ?? []), frozenPart(rawBody)]);
  }
  return sites;
}

/** What the models answer: told by the site in the prompt and by how far the conversation is. */
export const script: ChatScriptFunction = ({ messages, tools }) => {
  const prompt = JSON.stringify(messages[0]?.content ?? "");
  const names = (tools ?? []).map((one) => one.function?.name);
  const site = /\[(\w+)\]/.exec(prompt)?.[1] ?? "none";
  const lastUser = messages.findLastIndex(({ role }) => role === "user");
  const said = messages.slice(lastUser + 1).filter(({ role }) => role === "assistant").length;
  const refund: ChatReply = { toolCalls: [{ name: "refund", args: { amount: 5 } }] };
  const lookup: ChatReply = { toolCalls: [{ name: "lookup", args: { order: "A1" } }] };
  const turns: Record<string, readonly ChatReply[]> = {
    extract: [],
    write: [],
    review: [],
    act: Array.from({ length: 12 }, () => refund),
    agent: [lookup, refund],
    clerk: [lookup, refund],
  };
  if (site === "agent" && names.includes("task")) {
    const task = { subagent_type: "clerk", description: "refund A1" };
    return [{ toolCalls: [{ name: "task", args: task }] }, lookup][said] ?? { content: "agent" };
  }
  return turns[site]?.[said] ?? { content: site };
};
