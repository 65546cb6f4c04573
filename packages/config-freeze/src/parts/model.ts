import { hashJson } from "@evenkeel/core";
import { RunnableBinding } from "@langchain/core/runnables";

import type { FrozenModel } from "../manifest/shape.ts";
import { sameJson, storablePart } from "../plain-json.ts";
import { LIVE_FIELDS, PER_CALL } from "./live-fields.ts";

/** The parts of a chat model that are looked at; none of them is on every provider's class. */
export interface ModelLike {
  lc_kwargs?: Record<string, unknown>;
  lc_secrets?: Record<string, string>;
  model?: unknown;
  modelName?: unknown;
  /** Call options bound to the model itself. */
  defaultOptions?: Record<string, unknown>;
  constructor: (new (fields: Record<string, unknown>) => object) & { lc_name?(): string };
  invocationParams?(options?: Record<string, unknown>): Record<string, unknown>;
  getLsParams?(options: Record<string, unknown>): { ls_provider?: string; ls_model_name?: string };
  _llmType?(): string;
  _getModelInstance?(config?: unknown): Promise<object>;
}

/** The model a request will really call: a configurable one is resolved first. */
export function concreteModel(model: object, config: unknown): object | Promise<object> {
  const resolved = (model as ModelLike)._getModelInstance?.(config);
  return resolved === undefined ? model : resolved.then((found) => found ?? model);
}

/** A model as it is recorded: class, provider, name and the settings that shape its answers. */
export function describeModel(model: object): FrozenModel {
  if (RunnableBinding.isRunnableBinding(model)) {
    const { bound, kwargs } = model as unknown as {
      bound: object;
      kwargs?: Record<string, unknown>;
    };
    return { ...describeModel(bound), defaults: storablePart(kwargs ?? {}, LIVE_FIELDS) };
  }
  const live = model as ModelLike;
  const ls = attempt(() => live.getLsParams?.({})) ?? {};
  const name = live.model ?? live.modelName ?? ls.ls_model_name;
  return {
    class: classOf(live),
    provider: ls.ls_provider ?? attempt(() => live._llmType?.()) ?? null,
    name: typeof name === "string" ? name : null,
    fields: storablePart(live.lc_kwargs ?? {}, unshared(live)),
    defaults: storablePart(live.defaultOptions ?? {}, LIVE_FIELDS),
    parameters: storablePart(invocationParameters(live, {}), PER_CALL),
  };
}

/** What a model would send for a call with these options, as far as its class tells. */
export function invocationParameters(
  model: object,
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return attempt(() => (model as ModelLike).invocationParams?.({ ...options })) ?? {};
}

/** True where two descriptions make the same calls. */
export function sameModel(one: FrozenModel, other: FrozenModel): boolean {
  return one.class === other.class && answersAlike(one, other) && alike(one.fields, other.fields);
}

/** True where a model built by other means than the recorded constructor fields makes the same calls. */
export function answersAlike(one: FrozenModel, other: FrozenModel): boolean {
  return (
    one.provider === other.provider &&
    one.name === other.name &&
    alike(one.parameters, other.parameters) &&
    alike(one.defaults, other.defaults)
  );
}

/** The name of a model's class: the one LangChain gave it, which no bundler changes, else its own. */
export function classOf({ constructor }: ModelLike): string {
  return (Object.hasOwn(constructor, "lc_name") && constructor.lc_name?.()) || constructor.name;
}

/** Constructor fields that stay with the live process: connections, identities, declared secrets. */
export function unshared(live: ModelLike): ReadonlySet<string> {
  return new Set([...LIVE_FIELDS, ...Object.keys(attempt(() => live.lc_secrets) ?? {})]);
}

/** A provider's description of itself may throw (no credentials, no model): then it says nothing. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

// Written alike in nearly every call; the order of keys means nothing to a constructor.
function alike(one: unknown, other: unknown): boolean {
  return sameJson(one, other) || hashJson(one) === hashJson(other);
}
