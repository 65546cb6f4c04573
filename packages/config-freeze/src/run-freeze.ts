import { EXECUTION_CHANNEL } from "@evenkeel/core";
import type { HookContext, RunRequest } from "@evenkeel/core";

import { answerFor, reportDrift } from "./drift-report.ts";
import { differencesBetween } from "./drift.ts";
import { ConfigFreezeError } from "./errors.ts";
import { manifestBodies } from "./manifest-bodies.ts";
import { manifestHash, openRunManifest, seal } from "./manifest.ts";
import type { RunManifest, Sealed } from "./manifest.ts";
import type { FreezeContext } from "./options.ts";
import { revokedNow } from "./revoke.ts";
import { describeAround, describeRun, thawOptions, withRunPart } from "./run-part.ts";

/** The private channel of what is frozen with the input. */
export const RUN_CHANNEL = "_config";

/** What of a frozen run the hooks of its calls need. */
export interface RunFreeze {
  readonly generation: string;
  readonly hash: string;
  readonly config: unknown;
}

/** An upgrade that waits to be carried out, or was. */
export interface Upgrade {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly reason: string;
}

interface HeldRun {
  hash?: string;
  sealed?: Sealed;
  generation?: string;
  upgrade?: Upgrade;
}

/** Freezes a new execution, or puts what an execution was frozen to back into force. */
export async function freezeRun(request: RunRequest, context: FreezeContext): Promise<RunRequest> {
  assertNodes(request);
  const held = context.state.read(RUN_CHANNEL) as HeldRun;
  const { upgrade, hash } = held;
  if (hash === undefined) return freeze(request, context, "");
  if (upgrade !== undefined && upgrade.id !== held.generation) {
    context.emit("execution-upgraded", {
      severity: "medium",
      detail: { ...upgrade, from: request.execution.manifestHash },
    });
    return freeze(request, context, upgrade.id);
  }
  const revoked = await revokedNow(context.live.revoke);
  const known = request.execution.manifestHash;
  if (known !== null && revoked.configHashes.has(known)) {
    context.emit("revoked", { severity: "high", detail: { configHash: known } });
    return freeze(request, context, known);
  }
  return restore(request, context, held, hash);
}

async function freeze(
  request: RunRequest,
  context: FreezeContext,
  generation: string,
): Promise<RunRequest> {
  const { include = {} } = context.options;
  const manifest = await describeRun(request, context.live.config, include);
  const sealed = seal(manifest);
  const { hash } = sealed;
  const bodies = manifestBodies(context as unknown as HookContext, context.live.store, undefined);
  const elsewhere = await bodies.put(hash, sealed);
  context.state.write(RUN_CHANNEL, elsewhere ? { hash, generation } : { hash, sealed, generation });
  const known = manifestHash(hash, {});
  context.state.write(EXECUTION_CHANNEL, { manifestHash: known });
  context.annotate({ metadata: { evenkeel_config_hash: known } });
  remember(context, { generation, hash, config: (sealed.body as RunManifest).config });
  return request;
}

async function restore(
  request: RunRequest,
  context: FreezeContext,
  held: HeldRun,
  hash: string,
): Promise<RunRequest> {
  const { options, live: process } = context;
  const bodies = manifestBodies(context as unknown as HookContext, process.store, undefined);
  const frozen = openRunManifest(held.sealed ?? (await bodies.get(hash)));
  const { include = {}, onDrift = "use-frozen" } = options;
  // The user's configuration is evaluated once per execution, unless somebody wants to compare it.
  const compares = onDrift !== "use-frozen";
  const live = compares
    ? await describeRun(request, process.config, include)
    : { ...describeAround(request, include), config: frozen.config };
  const differences = differencesBetween(frozen, JSON.parse(JSON.stringify(live)));
  const answer = answerFor("run", differences, context);
  if (differences.length > 0) reportDrift("run", differences, answer, context);
  const generation = held.generation ?? "";
  const enforced = context.mode === "enforce" && answer !== "warn";
  remember(context, { generation, hash, config: enforced ? frozen.config : live.config });
  context.annotate({ metadata: { evenkeel_config_hash: request.execution.manifestHash ?? hash } });
  if (!enforced) return request;
  for (const { name, options: recorded } of frozen.middleware) {
    const today = request.liveOptions(name);
    if (today !== undefined) request.freezeOptions(name, thawOptions(recorded, today));
  }
  return withRunPart(request, frozen);
}

function remember(context: FreezeContext, run: RunFreeze): void {
  context.memory.set("run", run);
}

/** LangGraph ends a run whose next node is gone without a word. */
function assertNodes({ missingNodes, graph }: RunRequest): void {
  const [first] = missingNodes;
  if (first === undefined) return;
  throw new ConfigFreezeError({
    code: "node-missing",
    middleware: "configFreezeMiddleware",
    message: `The thread waits for node "${first.node}", which graph "${graph.name}" does not have (it has ${graph.nodes.join(", ")}). Deploy the node again, or start the input anew.`,
    details: { nodes: missingNodes.map(({ node }) => node) },
  });
}
