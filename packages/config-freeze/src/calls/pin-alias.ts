import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import type { FrozenModel } from "../manifest/shape.ts";
import type { FreezeContext } from "../options.ts";
import type { FrozenSite, FrozenSites } from "../site/frozen-sites.ts";

/** A call on its way to a model whose alias may be pinned. */
export interface PinnedCall {
  /** Makes the request of a site. */
  readonly enforce: (site: FrozenSite) => Promise<ModelRequest>;
  readonly handler: Handler<ModelRequest, ModelResult>;
  readonly sites: FrozenSites;
  readonly context: FreezeContext;
}

/** Calls a site, by the dated name of its alias where that is pinned and can be called. */
export async function callPinned(site: FrozenSite, call: PinnedCall): Promise<ModelResult> {
  const { enforce, handler, sites, context } = call;
  const request = await enforce(site);
  const { pinned } = site.entry;
  try {
    const result = await handler(request);
    await pin(site, result, sites, context);
    return result;
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    if (pinned === undefined || !saysUnknownModel(error)) throw error;
    context.emit("middleware-warning", {
      severity: "medium",
      detail: { site: site.name, reason: "pinned-name-unknown", model: pinned },
    });
    const { pinned: _name, ...entry } = site.entry;
    const unpinned = { ...site, entry };
    await sites.amend(unpinned, { unpinnable: true });
    return handler(await enforce(unpinned));
  }
}

/** The frozen model under the dated name its alias answered with. */
export function pinnedModel(model: FrozenModel, dated: string): FrozenModel {
  const rename = (record: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) =>
        NAME_FIELDS.has(key) && value === model.name ? [key, dated] : [key, value],
      ),
    );
  return {
    ...model,
    name: dated,
    fields: rename(model.fields),
    parameters: rename(model.parameters),
  };
}

const NAME_FIELDS: ReadonlySet<string> = new Set(["model", "modelName", "model_name"]);

async function pin(
  site: FrozenSite,
  result: ModelResult,
  sites: FrozenSites,
  { options, mode }: FreezeContext,
): Promise<void> {
  const { pinned, unpinnable } = site.entry;
  if (!options.pinModelAlias || mode !== "enforce") return;
  if (pinned !== undefined || unpinnable === true) return;
  const answered = (result as { response_metadata?: Record<string, unknown> }).response_metadata;
  const dated = answered?.["model_name"] ?? answered?.["model"];
  const alias = site.manifest.model.name;
  if (typeof dated !== "string" || alias === null || !dated.startsWith(`${alias}-`)) return;
  await sites.amend(site, { pinned: dated });
}

// Providers' clients carry the HTTP status or the service's code, some of them in a cause.
const MAXIMUM_CAUSES = 10;

function saysUnknownModel(error: unknown): boolean {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < MAXIMUM_CAUSES; depth += 1) {
    const { status, code } = at as { status?: unknown; code?: unknown };
    if (status === 404 || code === "model_not_found") return true;
    at = at.cause;
  }
  return false;
}
