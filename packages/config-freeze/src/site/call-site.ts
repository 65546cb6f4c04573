import type { ModelRequest } from "@evenkeel/core";

import type { FrozenModel, SiteManifest } from "../manifest/shape.ts";
import { LIVE_FIELDS } from "../parts/live-fields.ts";
import { concreteModel, describeModel, invocationParameters, sameModel } from "../parts/model.ts";
import { describePrompt, holdsPlantedSecret, withPrompt } from "../parts/prompt.ts";
import { rebuildModel } from "../parts/rebuild-model.ts";
import type { ResolveModel } from "../parts/rebuild-model.ts";
import { describeFormat, reviveFormat } from "../parts/response-format.ts";
import type { FrozenFormat } from "../parts/response-format.ts";
import { describeTool, offerTools, withoutRevoked } from "../parts/tools.ts";
import { asJson, sameJson, storablePart } from "../plain-json.ts";
import { sameTools } from "./same-site.ts";

/** A call as it came: what is compared and what is recorded. */
export interface LiveCall {
  readonly site: SiteManifest;
  /** The model that would be called, a configurable one resolved. */
  readonly model: object;
}

const describedModels = new WeakMap<object, FrozenModel>();

/** Describes a model call: model and settings, system prompt, tools. */
export function describeCall(request: ModelRequest): LiveCall | Promise<LiveCall> {
  const { configurable } = request.runtime;
  const model = concreteModel(request.model as object, { configurable });
  return model instanceof Promise
    ? model.then((found) => describeWith(found, request))
    : describeWith(model, request);
}

function describeWith(model: object, request: ModelRequest): LiveCall {
  const known = describedModels.get(model) ?? describeModel(model);
  describedModels.set(model, known);
  const prompt = describePrompt(request);
  return {
    model,
    site: {
      model: known,
      prompt: holdsPlantedSecret(prompt) ? null : prompt,
      tools: request.tools.map(describeTool),
      toolChoice: asJson(request.toolChoice),
      responseFormat: describeFormat(request.responseFormat),
      settings: describeSettings(model, request.modelSettings ?? {}),
    },
  };
}

/** Call settings as JSON; a schema object among them as the provider's class writes it to the wire. */
function describeSettings(
  model: object,
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const stored = storablePart(settings, LIVE_FIELDS);
  const rest = Object.keys(settings).filter((key) => !Object.hasOwn(stored, key));
  if (rest.length === 0) return stored;
  const written = invocationParameters(model, settings);
  const formats = rest.filter((key) => written[key] !== undefined);
  const chosen = Object.fromEntries(formats.map((key) => [key, written[key]]));
  return { ...stored, ...storablePart(chosen, LIVE_FIELDS) };
}

/** How a frozen site is put into force. */
export interface Enforcement {
  readonly resolveModel: ResolveModel | undefined;
  /** The prompt of this site changes from call to call and is left as it is. */
  readonly dynamicPrompt: boolean;
  readonly revokedTools: ReadonlySet<string>;
  /** The live model is called, because the frozen one was revoked. */
  readonly keepModel: boolean;
  readonly rebuilt: WeakMap<object, Map<string, Promise<object>>>;
  /** Told what could not be put into force. */
  readonly onGap: (reason: string) => void;
}

/** The request as the frozen site has it; what does not differ stays the object it was. */
export async function applySite(
  request: ModelRequest,
  live: LiveCall,
  frozen: SiteManifest,
  how: Enforcement,
): Promise<ModelRequest> {
  let next = request;
  const { prompt } = frozen;
  if (prompt !== null && !how.dynamicPrompt && !sameJson(live.site.prompt, prompt)) {
    next = withPrompt(next, prompt);
  }
  if (!sameTools(live.site, frozen)) {
    next = { ...next, tools: offerTools(frozen.tools, request.tools, how.revokedTools) };
  } else {
    next = allowedTools(next, how.revokedTools);
  }
  if (!sameJson(live.site.toolChoice, frozen.toolChoice)) {
    next = { ...next, toolChoice: frozen.toolChoice ?? undefined };
  }
  if (!sameJson(live.site.settings, frozen.settings)) {
    next = { ...next, modelSettings: withSettings(request.modelSettings, live.site, frozen) };
  }
  if (!sameJson(live.site.responseFormat, frozen.responseFormat)) {
    next = withFormat(next, frozen, how);
  }
  if (!how.keepModel && !sameModel(live.site.model, frozen.model)) {
    next = { ...next, model: await rebuiltModel(live.model, frozen.model, how) };
  }
  return next;
}

/** The request without tools that were revoked; the request itself where none of its tools is. */
export function allowedTools(request: ModelRequest, revoked: ReadonlySet<string>): ModelRequest {
  const tools = withoutRevoked(request.tools, revoked);
  return tools === request.tools ? request : { ...request, tools };
}

/** Frozen settings, with what could not be recorded of the live ones. */
function withSettings(
  settings: Readonly<Record<string, unknown>> | undefined,
  live: SiteManifest,
  frozen: SiteManifest,
): Record<string, unknown> {
  const unrecorded = Object.entries(settings ?? {}).filter(
    ([key]) => !Object.hasOwn(live.settings, key),
  );
  return { ...Object.fromEntries(unrecorded), ...frozen.settings };
}

function withFormat(request: ModelRequest, frozen: SiteManifest, how: Enforcement): ModelRequest {
  const format = frozen.responseFormat as FrozenFormat | null;
  const revived = reviveFormat(format, request.responseFormat);
  if (revived === undefined) {
    how.onGap("response-format-not-rebuildable");
    return request;
  }
  // LangChain takes null for none, and its own where there is nothing.
  return { ...request, responseFormat: revived };
}

function rebuiltModel(live: object, frozen: FrozenModel, how: Enforcement): Promise<object> {
  const ofLive = how.rebuilt.get(live) ?? new Map<string, Promise<object>>();
  how.rebuilt.set(live, ofLive);
  const key = JSON.stringify(frozen);
  const known = ofLive.get(key) ?? rebuildModel(frozen, live, how.resolveModel);
  ofLive.set(key, known);
  return known;
}
