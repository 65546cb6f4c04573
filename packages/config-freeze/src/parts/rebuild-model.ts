import { redact } from "@evenkeel/core";
import { RunnableBinding } from "@langchain/core/runnables";

import { differencesBetween } from "../drift/drift.ts";
import { ConfigFreezeError } from "../errors.ts";
import type { FrozenModel } from "../manifest/shape.ts";
import { storablePart } from "../plain-json.ts";
import { LIVE_FIELDS } from "./live-fields.ts";
import {
  answersAlike,
  classOf,
  concreteModel,
  describeModel,
  sameModel,
  unshared,
} from "./model.ts";
import type { ModelLike } from "./model.ts";

/** Builds the model of a frozen description, where its class or provider is not the live one. */
export type ResolveModel = (frozen: FrozenModel) => unknown;

/**
 * Builds the frozen model anew: of the live model's class with the frozen settings and the live
 * connection, or by `resolveModel`; what comes out is checked against the frozen parameters.
 */
export async function rebuildModel(
  frozen: FrozenModel,
  live: object,
  resolveModel: ResolveModel | undefined,
): Promise<object> {
  const inner = (RunnableBinding.isRunnableBinding(live) ? live.bound : live) as ModelLike;
  const tried: string[] = [];
  if (classOf(inner) === frozen.class) {
    const { candidate, error } = reconstruct(frozen, inner, live);
    if (candidate !== undefined && sameModel(describeModel(candidate), frozen)) return candidate;
    tried.push(`${frozen.class} constructed anew ${shortfall(candidate, frozen, error)}`);
  }
  if (resolveModel !== undefined) {
    const resolved: unknown = await resolveModel(frozen);
    if (typeof resolved === "object" && resolved !== null) {
      const candidate = withDefaults(await concreteModel(resolved, {}), frozen, resolved);
      if (answersAlike(describeModel(candidate), frozen)) return candidate;
      tried.push(`resolveModel() ${shortfall(candidate, frozen)}`);
    } else {
      tried.push(`resolveModel() gave ${resolved === null ? "null" : typeof resolved}`);
    }
  }
  throw new ConfigFreezeError({
    code: "model-not-rebuildable",
    message: `The execution is frozen to ${frozen.class} "${frozen.name ?? "?"}" and the live model is ${classOf(inner)}; the frozen one could not be built (${tried.join("; ") || "no way to try"}). Give configFreezeMiddleware a \`resolveModel\`, or set onDrift: "warn" to go on with the live model.`,
    details: { frozen: redact(frozen), tried },
  });
}

function reconstruct(
  frozen: FrozenModel,
  inner: ModelLike,
  live: object,
): { candidate?: object; error?: unknown } {
  const kept = unstorablePart(inner.lc_kwargs, unshared(inner));
  try {
    const candidate = new inner.constructor({ ...kept, ...frozen.fields });
    return { candidate: withDefaults(candidate, frozen, live) };
  } catch (error) {
    return { error };
  }
}

/** The model with call options bound as they were: on itself, or around it where the live one is bound so. */
function withDefaults(model: object, { defaults }: FrozenModel, live: object): object {
  if (RunnableBinding.isRunnableBinding(live)) {
    const kwargs = { ...unstorablePart(live.kwargs, LIVE_FIELDS), ...defaults };
    const bound = RunnableBinding.isRunnableBinding(model) ? model.bound : model;
    const { config, configFactories } = live;
    return new RunnableBinding({
      bound: bound as never,
      kwargs,
      config,
      ...(configFactories === undefined ? {} : { configFactories }),
    });
  }
  const kept = unstorablePart((live as ModelLike).defaultOptions, LIVE_FIELDS);
  const options = { ...kept, ...defaults };
  if (Object.keys(options).length === 0) return model;
  if (!("defaultOptions" in model)) {
    return new RunnableBinding({ bound: model as never, kwargs: options, config: {} });
  }
  (model as ModelLike).defaultOptions = options;
  return model;
}

/** What of a record stays with the live process. */
function unstorablePart(
  record: Readonly<Record<string, unknown>> = {},
  unwanted: ReadonlySet<string>,
): Record<string, unknown> {
  const stored = storablePart(record, unwanted);
  return Object.fromEntries(Object.entries(record).filter(([key]) => !Object.hasOwn(stored, key)));
}

function shortfall(candidate: object | undefined, frozen: FrozenModel, error?: unknown): string {
  if (candidate === undefined) {
    return `threw ${error instanceof Error ? error.name : typeof error}`;
  }
  const fields = differencesBetween(frozen, describeModel(candidate)).map(({ field }) => field);
  return `differs in ${fields.slice(0, 5).join(", ")}`;
}
