import { toJsonSchema } from "@langchain/core/utils/json_schema";

import { asJson, isRecord, sameJson } from "../plain-json.ts";

/** A response format of `createAgent` as it is recorded. */
export type FrozenFormat =
  | {
      readonly kind: "tool";
      readonly schema: unknown;
      readonly tool: unknown;
      readonly options: unknown;
    }
  | { readonly kind: "provider"; readonly schema: unknown; readonly strict: unknown }
  | { readonly kind: "schema"; readonly schema: unknown }
  | { readonly kind: "list"; readonly items: readonly FrozenFormat[] };

const described = new WeakMap<object, FrozenFormat | null>();

/** Describes a response format: LangChain's strategies by what they hold, a schema as JSON Schema. */
export function describeFormat(format: unknown): FrozenFormat | null {
  if (typeof format !== "object" || format === null) return null;
  const known = described.get(format) ?? describe(format);
  described.set(format, known);
  return known;
}

function describe(format: object): FrozenFormat | null {
  if (Array.isArray(format)) {
    const items = format.map(describeFormat).filter((item) => item !== null);
    return { kind: "list", items };
  }
  const { schema, tool, options, strict } = format as Record<string, unknown>;
  if (tool !== undefined && schema !== undefined) {
    return { kind: "tool", schema: asJson(schema), tool: asJson(tool), options: asJson(options) };
  }
  if (isRecord(schema) && typeof strict === "boolean") {
    return { kind: "provider", schema: asJson(schema), strict };
  }
  return { kind: "schema", schema: schemaOf(format) };
}

/**
 * The frozen format as LangChain takes it: strategies are made of the live one's class, as nothing
 * else holds it. Undefined where the live one is of another kind.
 */
export function reviveFormat(frozen: FrozenFormat | null, live: unknown): unknown {
  const today = describeFormat(live);
  if (sameJson(today, frozen)) return live;
  if (frozen === null || today === null) return frozen === null ? null : undefined;
  if (frozen.kind === "schema" && today.kind === "schema") return frozen.schema;
  if (frozen.kind === "list" && Array.isArray(live) && live.length > 0) {
    const items = frozen.items.map((item) => reviveFormat(item, live[0]));
    return items.includes(undefined) ? undefined : items;
  }
  if (frozen.kind !== today.kind || frozen.kind === "list") return undefined;
  const { kind: _kind, ...fields } = frozen;
  const options = (live as { options?: unknown }).options;
  const prototype = Object.getPrototypeOf(live) as object;
  return Object.assign(Object.create(prototype) as object, fields, kept(fields, options));
}

// An error handler may be a function, which only the live process has.
function kept(fields: object, live: unknown): { options?: unknown } {
  if (!("options" in fields) || !isRecord(live)) return {};
  const functions = Object.entries(live).filter(([, value]) => typeof value === "function");
  return { options: { ...(fields.options as object | null), ...Object.fromEntries(functions) } };
}

function schemaOf(format: unknown): unknown {
  try {
    return asJson(toJsonSchema(format as never));
  } catch {
    return asJson(format);
  }
}
