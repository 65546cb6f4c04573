import { hashJson, toolName } from "@evenkeel/core";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { toJsonSchema } from "@langchain/core/utils/json_schema";

import type { FrozenTool } from "./manifest.ts";

interface ToolLike {
  name?: string;
  description?: string;
  schema?: unknown;
  outputSchema?: unknown;
  metadata?: { version?: unknown };
  invoke?: unknown;
}

const described = new WeakMap<object, FrozenTool>();

/** A tool as it is recorded: what a model is told of it and a hash over that. */
export function describeTool(tool: unknown): FrozenTool {
  const known = described.get(tool as object);
  if (known !== undefined) return known;
  const fresh = describe(tool);
  // Tools are built once per process and asked for with each call.
  described.set(tool as object, fresh);
  return fresh;
}

function describe(tool: unknown): FrozenTool {
  const { description, schema, outputSchema, metadata, invoke } = tool as ToolLike;
  const own = typeof invoke === "function";
  const definition: unknown = plain(own ? convertToOpenAITool(tool as never) : tool);
  const version = metadata?.version;
  const facts = {
    name: toolName(tool) ?? "",
    description: description ?? functionOf(definition)?.description ?? "",
    input:
      own && schema !== undefined
        ? jsonSchema(schema)
        : (functionOf(definition)?.parameters ?? null),
    output: outputSchema === undefined ? null : jsonSchema(outputSchema),
    version: typeof version === "string" ? version : null,
    definition,
  };
  return { ...facts, hash: hashJson(facts) };
}

/** Chooses what a model is offered: frozen tools in frozen order, live objects where nothing changed. */
export function offerTools(
  frozen: readonly FrozenTool[],
  live: readonly unknown[],
  revoked: ReadonlySet<string>,
): readonly unknown[] {
  const byName = new Map(live.map((tool) => [toolName(tool), tool]));
  return frozen
    .filter(({ name }) => !revoked.has(name))
    .map((tool) => {
      const candidate = byName.get(tool.name);
      const same = candidate !== undefined && describeTool(candidate).hash === tool.hash;
      return same ? candidate : tool.definition;
    });
}

function jsonSchema(schema: unknown): unknown {
  return plain(toJsonSchema(schema as never));
}

function functionOf(
  definition: unknown,
): { description?: string; parameters?: unknown } | undefined {
  return (definition as { function?: { description?: string; parameters?: unknown } } | null)
    ?.function;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}
