import { EXECUTION_CHANNEL, uniqueId } from "@evenkeel/core";
import type { GraphFacts, Handler, MissingNode, RunOutcome, RunRequest } from "@evenkeel/core";

import { differencesBetween } from "../drift/drift.ts";
import { answerFor, reportDrift } from "../drift/report.ts";
import { ConfigFreezeError } from "../errors.ts";
import { manifestBodies } from "../manifest/bodies.ts";
import { manifestHash, openRunManifest, seal } from "../manifest/manifest.ts";
import type { Sealed } from "../manifest/manifest.ts";
import type { RunManifest } from "../manifest/shape.ts";
import type { FreezeContext } from "../options.ts";
import { revokedNow } from "../revoke.ts";
import { SITES_CHANNEL } from "../site/frozen-sites.ts";
import type { SiteEntry } from "../site/frozen-sites.ts";
import { thawOptions } from "./frozen-options.ts";
import { memoryOf } from "./run-memory.ts";
import { comparableRun, describeRun, withRunPart } from "./run-part.ts";
import type { Include } from "./run-part.ts";
import type { Upgrade } from "./upgrade-execution.ts";
import { evaluateConfig } from "./user-config.ts";

/** The private channel of what is frozen with the input. */
export const RUN_CHANNEL = "_config";

/** How the entries of upgrades begin: one each, so that none is lost to another. */
export const UPGRADE = "upgrade:";

interface HeldRun {
  hash?: string;
  sealed?: Sealed;
  generation?: string;
  [upgrade: `${typeof UPGRADE}${string}`]: Upgrade | undefined;
}

/** Freezes a new execution, or puts what an execution was frozen to back into force. */
export async function freezeRun(
  request: RunRequest,
  handler: Handler<RunRequest, RunOutcome>,
  context: FreezeContext,
): Promise<RunOutcome> {
  const refuse = (missing: readonly MissingNode[], graph: GraphFacts): void =>
    refuseMissing(missing, graph, context);
  refuse(request.missingNodes, request.graph);
  if (context.mode === "enforce") request.onMissingNodes(refuse);
  warnOfLoss(request, context);
  const held = context.state.read(RUN_CHANNEL) as HeldRun;
  const { hash, generation = "" } = held;
  if (hash !== undefined && context.execution.isNew) throw twice(context);
  const sites = Object.entries(context.state.read(SITES_CHANNEL) as Record<string, SiteEntry>);
  const current = sites.filter(([, entry]) => entry.generation === generation);
  memoryOf(context).held = Object.fromEntries(current);
  const next = await nextGeneration(held, context);
  return handler(
    hash === undefined || next !== undefined
      ? await freeze(request, context, next ?? "")
      : await restore(request, context, { ...held, hash, generation }),
  );
}

/** The generation to freeze anew, where the execution was upgraded or its configuration revoked. */
async function nextGeneration(held: HeldRun, context: FreezeContext): Promise<string | undefined> {
  const { hash, generation = "" } = held;
  if (hash === undefined) return undefined;
  const from = heldHash(hash, context);
  const upgrade = latestUpgrade(held);
  if (upgrade !== undefined && upgrade.id > generation) {
    const { id: _id, ...why } = upgrade;
    context.emit("execution-upgraded", { severity: "medium", detail: { ...why, from } });
    return upgrade.id;
  }
  const { configHashes } = await revokedNow(context.live.revoke);
  const parts = Object.values(memoryOf(context).held).map((entry) => entry.hash);
  const revoked = [from, hash, ...parts].find((one) => configHashes.has(one));
  if (revoked === undefined) return undefined;
  context.emit("revoked", { severity: "high", detail: { configHash: revoked } });
  return uniqueId();
}

function latestUpgrade(held: HeldRun): Upgrade | undefined {
  const entries = Object.entries(held).filter(([key]) => key.startsWith(UPGRADE));
  const upgrades = entries.map(([, upgrade]) => upgrade as Upgrade);
  return upgrades.toSorted((one, other) => (one.id < other.id ? -1 : 1)).at(-1);
}

async function freeze(
  request: RunRequest,
  context: FreezeContext,
  generation: string,
): Promise<RunRequest> {
  const { include } = context.options;
  const config = await evaluateConfig(context.live.config, request);
  const sealed = seal(describeRun(request, include, config));
  const { hash } = sealed;
  const elsewhere = await manifestBodies(context, undefined).put(hash, sealed);
  const entry = elsewhere ? { hash, generation } : { hash, sealed, generation };
  const frozen = (sealed.body as RunManifest).config;
  const memory = memoryOf(context);
  memory.run = { generation, hash, config: frozen };
  memory.held = {};
  await context.state.save(RUN_CHANNEL, entry);
  announce(hash, context);
  return request;
}

async function restore(
  request: RunRequest,
  context: FreezeContext,
  held: HeldRun & { hash: string; generation: string },
): Promise<RunRequest> {
  const { live, mode, options } = context;
  const { hash, generation } = held;
  const sealed = held.sealed ?? (await manifestBodies(context, undefined).get(hash));
  const frozen = openRunManifest(sealed, hash);
  const include = includedIn(frozen, context);
  // The user's configuration is evaluated once per execution, unless today's is wanted as well.
  const wantsToday = options.onDrift !== "use-frozen" || mode !== "enforce";
  const config = wantsToday ? await evaluateConfig(live.config, request) : frozen.config;
  const today = describeRun(request, include, config);
  const differences = differencesBetween(
    comparableRun(frozen, request),
    JSON.parse(JSON.stringify(comparableRun(today, request))),
  );
  const answer = answerFor("run", differences, context);
  const enforced = mode === "enforce" && answer !== "warn";
  memoryOf(context).run = { generation, hash, config: enforced ? frozen.config : config };
  announce(hash, context);
  if (differences.length > 0) reportDrift("run", differences, answer, context);
  if (!enforced) return request;
  for (const { name, options: recorded } of frozen.middleware) {
    const now = request.liveOptions(name);
    if (now !== undefined) request.freezeOptions(name, thawOptions(recorded, now));
  }
  return withRunPart(request, frozen, include);
}

/** The keys an execution froze, whatever keys today's code would. */
function includedIn(frozen: RunManifest, { live: { name }, options }: FreezeContext): Include {
  const own = frozen.middleware.find((middleware) => middleware.name === name);
  return (own?.options["include"] as Include | undefined) ?? options.include;
}

function announce(hash: string, context: FreezeContext): void {
  const known = heldHash(hash, context);
  if (known !== context.execution.manifestHash) {
    context.state.write(EXECUTION_CHANNEL, { manifestHash: known });
  }
  context.annotate({ metadata: { evenkeel_config_hash: known } });
}

function heldHash(hash: string, context: FreezeContext): string {
  const entries = Object.entries(memoryOf(context).held);
  return manifestHash(hash, Object.fromEntries(entries.map(([name, entry]) => [name, entry.hash])));
}

/** LangGraph ends a run whose next node is gone without a word. */
function refuseMissing(
  missing: readonly MissingNode[],
  graph: GraphFacts,
  context: FreezeContext,
): void {
  const [first] = missing;
  if (first === undefined) return;
  throw new ConfigFreezeError({
    code: "node-missing",
    middleware: context.live.name,
    message: `The thread waits for node "${first.node}", which graph "${graph.name}" does not have (it has ${graph.nodes.join(", ")}). Deploy the node again, or start the input anew.`,
    details: { nodes: missing.map(({ node }) => node) },
  });
}

/** Before its first step only another freezing middleware can have frozen an execution. */
function twice({ live: { name } }: FreezeContext): ConfigFreezeError {
  return new ConfigFreezeError({
    code: "invalid-options",
    middleware: name,
    message: `${name} is the second configFreezeMiddleware of its stack; one is allowed. Give it everything that is to be frozen.`,
    details: { option: "name" },
  });
}

function warnOfLoss({ config, execution }: RunRequest, context: FreezeContext): void {
  const { durability } = config as { durability?: string };
  if (context.live.durability !== "inherit" || durability === "sync" || !execution.isNew) return;
  context.emit("middleware-warning", {
    severity: "low",
    detail: { reason: "durability-not-sync", durability: durability ?? "async" },
  });
}
