import type { ModelRequest } from "@evenkeel/core";

import { concreteModel, describeModel, rebuildModel, sameModel } from "./frozen-model.ts";
import type { ResolveModel } from "./frozen-model.ts";
import { describePrompt, withPrompt } from "./frozen-prompt.ts";
import { describeTool, offerTools } from "./frozen-tools.ts";
import type { FrozenModel, SiteManifest } from "./manifest.ts";

/** A call as it came: what is compared and what is recorded. */
export interface LiveCall {
  readonly site: SiteManifest;
  /** The model that would be called, a configurable one resolved. */
  readonly model: object;
}

const describedModels = new WeakMap<object, FrozenModel>();

/** Describes a model call: model and settings, system prompt, tools. */
export async function describeCall(request: ModelRequest): Promise<LiveCall> {
  const model = await concreteModel(request.model, { configurable: request.runtime.configurable });
  const known = describedModels.get(model) ?? describeModel(model);
  describedModels.set(model, known);
  return {
    model,
    site: {
      model: known,
      prompt: describePrompt(request),
      tools: request.tools.map(describeTool),
      toolChoice: plain(request.toolChoice),
      responseFormat: plain(request.responseFormat),
      settings: (plain(request.modelSettings) ?? {}) as Record<string, unknown>,
    },
  };
}

/** How a frozen site is put into force. */
export interface Enforcement {
  readonly resolveModel: ResolveModel | undefined;
  /** The prompt of this site changes from call to call and is left as it is. */
  readonly dynamicPrompt: boolean;
  readonly revokedTools: ReadonlySet<string>;
  /** The live model is called, because the frozen one was revoked. */
  readonly keepModel: boolean;
  /** Models already rebuilt in this process, by call site and live model. */
  readonly rebuilt: WeakMap<object, Map<string, object>>;
}

/** The request as the frozen site has it; what does not differ stays the object it was. */
export function applySite(
  request: ModelRequest,
  live: LiveCall,
  frozen: SiteManifest,
  how: Enforcement,
): ModelRequest {
  let next = request;
  if (!how.dynamicPrompt && !equal(live.site.prompt, frozen.prompt)) {
    next = withPrompt(next, frozen.prompt);
  }
  const hashes = (site: SiteManifest): string[] => site.tools.map(({ hash }) => hash);
  const revokes = frozen.tools.some(({ name }) => how.revokedTools.has(name));
  if (revokes || !equal(hashes(live.site), hashes(frozen))) {
    next = { ...next, tools: offerTools(frozen.tools, request.tools, how.revokedTools) };
  }
  if (!equal(live.site.toolChoice, frozen.toolChoice)) {
    next = { ...next, toolChoice: frozen.toolChoice ?? undefined };
  }
  if (!equal(live.site.settings, frozen.settings)) {
    next = { ...next, modelSettings: frozen.settings };
  }
  if (!how.keepModel && !sameModel(live.site.model, frozen.model)) {
    next = { ...next, model: rebuiltModel(live.model, frozen.model, how) };
  }
  return next;
}

function rebuiltModel(live: object, frozen: FrozenModel, how: Enforcement): object {
  const ofLive = how.rebuilt.get(live) ?? new Map<string, object>();
  how.rebuilt.set(live, ofLive);
  const key = JSON.stringify(frozen);
  const known = ofLive.get(key) ?? rebuildModel(frozen, live, how.resolveModel);
  ofLive.set(key, known);
  return known;
}

/** True where two JSON values are the same, key order included: it reaches the wire. */
export function equal(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  try {
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    return null;
  }
}
