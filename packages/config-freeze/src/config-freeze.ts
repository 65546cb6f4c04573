import { EXECUTION_CHANNEL, defineMiddleware, runMemory } from "@evenkeel/core";
import type {
  Handler,
  HookContext,
  Middleware,
  ModelRequest,
  ModelResult,
  RunOutcome,
  RunRequest,
  ToolCallRequest,
  ToolResult,
} from "@evenkeel/core";

import { applySite, describeCall } from "./call-site.ts";
import type { LiveCall } from "./call-site.ts";
import { answerFor, reportDrift } from "./drift-report.ts";
import { differencesBetween } from "./drift.ts";
import { ConfigFreezeError } from "./errors.ts";
import { SITES_CHANNEL, frozenSites } from "./frozen-sites.ts";
import type { FrozenSite, FrozenSites } from "./frozen-sites.ts";
import { manifestBodies } from "./manifest-bodies.ts";
import { manifestHash } from "./manifest.ts";
import type { SiteManifest } from "./manifest.ts";
import { assertOptions } from "./options.ts";
import type {
  ConfigFreezeMiddlewareOptions,
  DriftAnswer,
  FreezeContext,
  FreezeLive,
  FreezeOptions,
} from "./options.ts";
import { revokedNow } from "./revoke.ts";
import type { Revoked } from "./revoke.ts";
import { RUN_CHANNEL, freezeRun } from "./run-freeze.ts";
import type { RunFreeze } from "./run-freeze.ts";
import { changed, refuse, refusesArguments, versionOf } from "./tool-calls.ts";

/** The middleware, and the typed accessor to the configuration it froze. */
export interface ConfigFreezeMiddleware<Config> extends Middleware {
  /** The frozen configuration of the execution that asks; call it in a node, a router or a tool. */
  config(): Config;
}

/**
 * Keeps an execution on the configuration it began with: its own `config`, middleware options and
 * limits from the input on, model, settings, system prompt and tools of each call site from its
 * first call on, through retries, interrupts, crashes, resumes by another version, and forks.
 *
 * Error behavior: bad options throw `invalid-options` here; a manifest that was tampered with, cut,
 * or written by a newer release, and a model that cannot be rebuilt, fail the run with a code.
 * Output: the model's requests carry the frozen prompt, settings and tools. State: `_config` and
 * `_configSites`, private. When it fires: when a run starts, and around each model and tool call.
 *
 * @example
 * ```ts
 * const freeze = configFreezeMiddleware({ config: () => ({ tone: "friendly" }) });
 * const agent = withMiddleware(graph, [freeze]);
 * ```
 */
export function configFreezeMiddleware<Config = null>(
  options: ConfigFreezeMiddlewareOptions<Config> = {},
): ConfigFreezeMiddleware<Config> {
  assertOptions(options);
  const { name = "configFreezeMiddleware", mode, durability = "sync" } = options;
  const { include, onDrift, pinModelAlias, ...rest } = options;
  const { config, resolveModel, tools, revoke, store } = rest;
  const middleware = defineMiddleware<FreezeOptions, FreezeLive>({
    name,
    mode,
    options: present({ include, onDrift, pinModelAlias }),
    live: present({ config, resolveModel, tools, revoke, store }),
    needs: durability === "sync" ? { durability: "sync" } : {},
    state: { [RUN_CHANNEL]: {}, [SITES_CHANNEL]: {} },
    wrapRun: freezeAround,
    wrapModelCall: freezeModelCall,
    wrapToolCall: freezeToolCall,
  });
  return Object.assign(middleware, { config: () => frozenConfig<Config>(name) });
}

/** The record without what was left out, as exactOptionalPropertyTypes wants it. */
function present<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

async function freezeAround(
  request: RunRequest,
  handler: Handler<RunRequest, RunOutcome>,
  context: FreezeContext,
): Promise<RunOutcome> {
  const frozen = await freezeRun(request, context);
  return handler(frozen);
}

async function freezeModelCall(
  request: ModelRequest,
  handler: Handler<ModelRequest, ModelResult>,
  context: FreezeContext,
): Promise<ModelResult> {
  const site = context.callSite ?? "model";
  const sites = sitesOf(request.runtime.store, context);
  const live = await describeCall(request);
  const revoked = await revokedNow(context.live.revoke);
  const known = await sites.find(site);
  if (known === undefined) {
    assertModelAllowed(live.site, revoked, site);
    const fresh = await sites.freeze(site, live.site);
    await announceSite(site, fresh, sites, context);
    const result = await handler(
      revoked.tools.size === 0 ? request : enforce(request, live, fresh, revoked, context),
    );
    pin(site, fresh, result, sites, context);
    return result;
  }
  const dynamic = noteDynamicPrompt(site, known, live, sites, context);
  const answer = judge(site, known, live, dynamic, context);
  if (answer === "warn") return handler(request);
  const frozen = enforce(request, live, known, revoked, context, dynamic);
  const result = await handler(frozen);
  pin(site, known, result, sites, context);
  return result;
}

async function freezeToolCall(
  request: ToolCallRequest,
  handler: Handler<ToolCallRequest, ToolResult>,
  context: FreezeContext,
): Promise<ToolResult> {
  const { name } = request.toolCall;
  const by = "configFreezeMiddleware";
  const revoked = await revokedNow(context.live.revoke);
  if (revoked.tools.has(name)) {
    context.emit("revoked", { severity: "high", detail: { tool: name } });
    return refuse(request, by, "tool-revoked", {});
  }
  const sites = await sitesOf(request.runtime.store, context).all();
  const frozen = [...sites.values()]
    .flatMap(({ manifest }) => manifest.tools)
    .find((tool) => tool.name === name);
  if (frozen === undefined || answerFor("run", [], context) === "warn") return handler(request);
  const own = request.tool;
  if (own !== undefined && !changed(own, frozen)) return handler(request);

  const version = versionOf(context.live.tools, frozen);
  if (version !== undefined) return handler({ ...request, tool: version });
  if (own === undefined) {
    context.emit("tool-vanished", { severity: "medium", detail: { tool: name } });
    return refuse(request, by, "tool-vanished", { hash: frozen.hash });
  }
  try {
    return await handler(request);
  } catch (error) {
    if (!refusesArguments(error)) throw error;
    context.emit("tool-changed", { severity: "medium", detail: { tool: name } });
    return refuse(request, by, "tool-changed", { hash: frozen.hash });
  }
}

function sitesOf(store: unknown, context: FreezeContext): FrozenSites {
  const plain = context as unknown as HookContext;
  const run = context.memory.get("run") as RunFreeze | undefined;
  return frozenSites(
    plain,
    run?.generation ?? "",
    manifestBodies(plain, context.live.store, store),
  );
}

function enforce(
  request: ModelRequest,
  live: LiveCall,
  { entry, manifest }: FrozenSite,
  revoked: Revoked,
  context: FreezeContext,
  dynamicPrompt = false,
): ModelRequest {
  const model =
    entry.pinned === undefined
      ? manifest.model
      : {
          ...manifest.model,
          name: entry.pinned,
          fields: { ...manifest.model.fields, model: entry.pinned },
          parameters: { ...manifest.model.parameters, model: entry.pinned },
        };
  const keepModel = model.name !== null && revoked.models.has(model.name);
  if (keepModel) {
    assertModelAllowed(live.site, revoked, context.callSite ?? "model");
    context.emit("revoked", { severity: "high", detail: { model: model.name } });
  }
  return applySite(
    request,
    live,
    { ...manifest, model },
    {
      resolveModel: context.live.resolveModel,
      dynamicPrompt,
      revokedTools: revoked.tools,
      keepModel,
      rebuilt: rebuiltModels(context),
    },
  );
}

function assertModelAllowed({ model }: SiteManifest, revoked: Revoked, site: string): void {
  if (model.name === null || !revoked.models.has(model.name)) return;
  throw new ConfigFreezeError({
    code: "model-revoked",
    middleware: "configFreezeMiddleware",
    message: `Model "${model.name}" at call site "${site}" is revoked, and no other is configured there. Configure another model for this node.`,
    details: { model: model.name, site },
  });
}

/** A prompt that changes between two calls of one site in one process is dynamic, from then on. */
function noteDynamicPrompt(
  site: string,
  known: FrozenSite,
  live: LiveCall,
  sites: FrozenSites,
  context: FreezeContext,
): boolean {
  if (known.entry.dynamic === true) return true;
  const text = JSON.stringify(live.site.prompt);
  const key = `prompt:${site}`;
  const seen = context.memory.get(key) as string | undefined;
  context.memory.set(key, text);
  if (seen === undefined || seen === text) return false;
  sites.amend(site, { dynamic: true });
  return true;
}

function judge(
  site: string,
  known: FrozenSite,
  live: LiveCall,
  dynamic: boolean,
  context: FreezeContext,
): DriftAnswer {
  const seen = context.memory.get(`judged:${site}`) as Judged | undefined;
  const hash = JSON.stringify([
    live.site.model,
    live.site.tools.map((tool) => tool.hash),
    dynamic ? null : live.site.prompt,
    live.site.settings,
    live.site.toolChoice,
  ]);
  if (seen?.hash === hash) return seen.answer;
  const frozen = dynamic ? { ...known.manifest, prompt: live.site.prompt } : known.manifest;
  const differences = differencesBetween(frozen, JSON.parse(JSON.stringify(live.site)));
  const answer = differences.length === 0 ? "use-frozen" : answerFor(site, differences, context);
  context.memory.set(`judged:${site}`, { hash, answer } satisfies Judged);
  if (differences.length === 0) return answer;
  reportDrift(site, differences, answer, context);
  return answer;
}

interface Judged {
  readonly hash: string;
  readonly answer: DriftAnswer;
}

async function announceSite(
  site: string,
  { entry, manifest }: FrozenSite,
  sites: FrozenSites,
  context: FreezeContext,
): Promise<void> {
  context.memory.set(`prompt:${site}`, JSON.stringify(manifest.prompt));
  const run = context.memory.get("run") as RunFreeze | undefined;
  const all = [...(await sites.all())].map(([name, frozen]) => [name, frozen.entry.hash] as const);
  const hash = manifestHash(run?.hash ?? "", Object.fromEntries(all));
  if (!context.native) context.state.write(EXECUTION_CHANNEL, { manifestHash: hash });
  context.annotate({ metadata: { evenkeel_config_hash: hash } });
  context.emit("config-frozen", { detail: { site, hash: entry.hash, manifest: hash } });
}

function pin(
  site: string,
  { entry, manifest }: FrozenSite,
  result: ModelResult,
  sites: FrozenSites,
  context: FreezeContext,
): void {
  if (context.options.pinModelAlias !== true || entry.pinned !== undefined) return;
  const answered = (result as { response_metadata?: Record<string, unknown> }).response_metadata;
  const dated = answered?.["model_name"] ?? answered?.["model"];
  const alias = manifest.model.name;
  if (typeof dated !== "string" || alias === null || dated === alias) return;
  if (dated.startsWith(`${alias}-`)) sites.amend(site, { pinned: dated });
}

function rebuiltModels(context: FreezeContext): WeakMap<object, Map<string, object>> {
  const known = context.memory.get("rebuilt") as WeakMap<object, Map<string, object>> | undefined;
  if (known !== undefined) return known;
  const fresh = new WeakMap<object, Map<string, object>>();
  context.memory.set("rebuilt", fresh);
  return fresh;
}

function frozenConfig<Config>(name: string): Config {
  const run = runMemory(name)?.get("run") as RunFreeze | undefined;
  if (run !== undefined) return run.config as Config;
  throw new ConfigFreezeError({
    code: "config-unavailable",
    middleware: name,
    message: `${name}.config() was asked outside a run of a graph with this middleware. Ask in a node, a router or a tool of withMiddleware(graph, [freeze]); native createAgent has no run seam.`,
  });
}
