import { EXECUTION_CHANNEL } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";

import { ConfigFreezeError } from "../errors.ts";
import { manifestBodies } from "../manifest/bodies.ts";
import { manifestHash } from "../manifest/manifest.ts";
import type { FreezeContext } from "../options.ts";
import { sameJson } from "../plain-json.ts";
import { revokedNow } from "../revoke.ts";
import type { Revoked } from "../revoke.ts";
import { memoryOf } from "../run/run-memory.ts";
import { allowedTools, applySite, describeCall } from "../site/call-site.ts";
import type { LiveCall } from "../site/call-site.ts";
import { frozenSites } from "../site/frozen-sites.ts";
import type { FrozenSite, FrozenSites } from "../site/frozen-sites.ts";
import { judgeSite, knownVerdict } from "../site/judge-site.ts";
import { callPinned, pinnedModel } from "./pin-alias.ts";
import type { PinnedCall } from "./pin-alias.ts";

/** Freezes a call site at its first call, and calls it by what was frozen from then on. */
export function freezeModelCall(
  request: ModelRequest,
  handler: Handler<ModelRequest, ModelResult>,
  context: FreezeContext,
): Promise<ModelResult> {
  const live = describeCall(request);
  return isSettled(live, context)
    ? handler(request)
    : freezeCall(request, live, { handler, context });
}

/** True of a call like the last one of its site, which was as it is frozen: nothing is to be done. */
// Without a promise: most calls are like the last one.
function isSettled(live: LiveCall | Promise<LiveCall>, context: FreezeContext): boolean {
  const { live: options, callSite } = context;
  if (live instanceof Promise || options.revoke !== undefined) return false;
  if (context.options.pinModelAlias) return false;
  const { matched, sites } = memoryOf(context);
  const site = sites.get(matched.get(callSite ?? "model") ?? "");
  return site !== undefined && knownVerdict(site, live.site, context)?.same === true;
}

async function freezeCall(
  request: ModelRequest,
  described: LiveCall | Promise<LiveCall>,
  { handler, context }: Pick<PinnedCall, "handler" | "context">,
): Promise<ModelResult> {
  const sites = frozenSites(context, manifestBodies(context, request.runtime.store));
  const live = await described;
  const revoked = await revokedNow(context.live.revoke);
  const { site: known, isNew } = await sites.findOrFreeze(context.callSite ?? "model", live.site);
  if (isNew) {
    memoryOf(context).prompts.set(known.name, live.site.prompt);
    await announceSite(known, sites, context);
  }
  const site = isNew ? known : await noteDynamicPrompt(known, live, sites, context);
  const answer = isNew ? "use-frozen" : judgeSite(site, live.site, context).answer;
  if (answer === "warn") {
    assertModelAllowed(live, revoked, site.name, context);
    return handler(allowedTools(request, revoked.tools));
  }
  const enforce = (from: FrozenSite): Promise<ModelRequest> =>
    enforceSite(request, live, from, revoked, context);
  return callPinned(site, { enforce, handler, sites, context });
}

async function enforceSite(
  request: ModelRequest,
  live: LiveCall,
  { name, entry, manifest }: FrozenSite,
  revoked: Revoked,
  context: FreezeContext,
): Promise<ModelRequest> {
  const model =
    entry.pinned === undefined ? manifest.model : pinnedModel(manifest.model, entry.pinned);
  const keepModel = [model.name, manifest.model.name].some(
    (one) => one !== null && revoked.models.has(one),
  );
  if (keepModel) {
    assertModelAllowed(live, revoked, name, context);
    context.emit("revoked", { severity: "high", detail: { site: name, model: model.name } });
  }
  const { rebuilt } = memoryOf(context);
  return applySite(
    request,
    live,
    { ...manifest, model },
    {
      resolveModel: context.live.resolveModel,
      dynamicPrompt: entry.dynamic === true,
      revokedTools: revoked.tools,
      keepModel,
      rebuilt,
      onGap: (reason) =>
        context.emit("middleware-warning", { severity: "medium", detail: { site: name, reason } }),
    },
  );
}

function assertModelAllowed(
  { site: { model } }: LiveCall,
  revoked: Revoked,
  site: string,
  context: FreezeContext,
): void {
  if (model.name === null || !revoked.models.has(model.name)) return;
  throw new ConfigFreezeError({
    code: "model-revoked",
    middleware: context.live.name,
    message: `Model "${model.name}" at call site "${site}" is revoked, and no other is configured there. Configure another model for this node.`,
    details: { model: model.name, site },
  });
}

/** A prompt that changes between two calls of one site in one process is dynamic, from then on. */
async function noteDynamicPrompt(
  site: FrozenSite,
  live: LiveCall,
  sites: FrozenSites,
  context: FreezeContext,
): Promise<FrozenSite> {
  if (site.entry.dynamic === true) return site;
  const { prompts } = memoryOf(context);
  const { prompt } = live.site;
  const seen = prompts.get(site.name);
  prompts.set(site.name, prompt);
  return seen === undefined || sameJson(seen, prompt) ? site : sites.amend(site, { dynamic: true });
}

async function announceSite(
  { name, entry, manifest }: FrozenSite,
  sites: FrozenSites,
  context: FreezeContext,
): Promise<void> {
  const all = (await sites.all()).map((site) => [site.name, site.entry.hash] as const);
  const hash = manifestHash(memoryOf(context).run?.hash ?? "", Object.fromEntries(all));
  if (!context.native) context.state.write(EXECUTION_CHANNEL, { manifestHash: hash });
  context.annotate({ metadata: { evenkeel_config_hash: hash } });
  context.emit("config-frozen", { detail: { site: name, hash: entry.hash, manifest: hash } });
  if (manifest.prompt !== null) return;
  context.emit("middleware-warning", {
    severity: "medium",
    detail: { site: name, reason: "prompt-holds-secret" },
  });
}
