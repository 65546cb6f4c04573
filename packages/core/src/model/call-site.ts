import type { SeamPlan } from "../graph/seam-plan.ts";
import { ambientConfig, nodePath } from "../run/execution.ts";
import type { AmbientScope, NodeScope, SiteOrdinals } from "../run/scope.ts";

/** What tells one place that calls a model from another. */
export interface SiteFacts {
  /** Identity of the wrapped model this call descends from. */
  readonly identity: object;
  /** Wrapped inside a node, so that every execution of the node has an identity of its own. */
  readonly perCall: boolean;
  /** A name for the call site, where the user gave one. */
  readonly siteName: string | undefined;
  readonly tools: readonly unknown[];
  readonly settings: Readonly<Record<string, unknown>>;
}

const ordinals = new WeakMap<SeamPlan, Map<string, SiteOrdinals>>();

/** The ordinals of a graph's models: all of its runs in this process count alike. */
export function sitesOf(plan: SeamPlan): Map<string, SiteOrdinals> {
  const known = ordinals.get(plan) ?? new Map<string, SiteOrdinals>();
  ordinals.set(plan, known);
  return known;
}

/** The place in the graph that makes this call: node path and ordinal, or the name the user gave. */
export function callSite(facts: SiteFacts, scope: AmbientScope, node: NodeScope): string {
  const place = placeOf(scope, node);
  if (facts.siteName !== undefined) return `${place}#${facts.siteName}`;
  const all = facts.perCall ? node.sites : node.graph.run.sites;
  const known: SiteOrdinals = all.get(place) ?? { of: new WeakMap(), count: 0 };
  all.set(place, known);
  const ofModel = known.of.get(facts.identity) ?? new Map<string, number>();
  known.of.set(facts.identity, ofModel);
  const shape = shapeOf(facts);
  const ordinal = ofModel.get(shape) ?? known.count++;
  ofModel.set(shape, ordinal);
  return `${place}#${ordinal}`;
}

/** The node; below it the tool and the graphs that run inside, which share the node. */
function placeOf({ call }: AmbientScope, node: NodeScope): string {
  const tool = call?.kind === "tool" && call.name !== undefined ? `/${call.name}` : "";
  const { configurable, metadata } = ambientConfig();
  const here = configurable?.["checkpoint_ns"];
  if (here === node.config.configurable?.["checkpoint_ns"]) return `${node.path}${tool}`;
  const namespace = nodePath(String(here ?? ""));
  if (!namespace.startsWith(`${node.path}|`)) return `${node.path}${tool}`;
  // Subagents called by one tool have the same nodes: LangChain tells them apart by this name alone.
  const agent = metadata?.["lc_agent_name"];
  const name = typeof agent === "string" ? `@${agent}` : "";
  return `${node.path}${tool}${name}${namespace.slice(node.path.length)}`;
}

/** One model bare, with tools, and with a response format are three sites of one node. */
function shapeOf({ settings, tools }: SiteFacts): string {
  if ("response_format" in settings || "ls_structured_output_format" in settings) {
    return "structured";
  }
  return tools.length === 0 ? "plain" : "tools";
}
