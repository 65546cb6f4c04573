import { hashJson, maskKnownSecrets, toolName } from "@evenkeel/core";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { toJsonSchema } from "@langchain/core/utils/json_schema";

import type { FrozenTool } from "../manifest/shape.ts";
import { asJson, sameJson } from "../plain-json.ts";

interface ToolLike {
  name?: string;
  type?: unknown;
  description?: string;
  schema?: unknown;
  outputSchema?: unknown;
  metadata?: { version?: unknown };
  invoke?: unknown;
}

interface Definition {
  type?: unknown;
  function?: { name?: string; description?: string; parameters?: unknown };
}

const described = new WeakMap<object, FrozenTool>();

/** A tool as it is recorded: what a model is told of it and a hash over that. */
export function describeTool(tool: unknown): FrozenTool {
  const known = described.get(tool as object);
  if (known !== undefined) return known;
  const fresh = describe(tool as ToolLike);
  // Tools are built once per process and asked for with each call.
  described.set(tool as object, fresh);
  return fresh;
}

function describe(tool: ToolLike): FrozenTool {
  const own = typeof tool.invoke === "function";
  const definition = asJson(own ? convertToOpenAITool(tool as never) : tool);
  const said = (definition as Definition | null)?.function;
  const version = tool.metadata?.version;
  const facts = {
    name: toolName(tool) ?? (typeof tool.type === "string" ? tool.type : ""),
    description: tool.description ?? said?.description ?? "",
    input: own && tool.schema !== undefined ? schemaOf(tool.schema) : (said?.parameters ?? null),
    output: tool.outputSchema === undefined ? null : schemaOf(tool.outputSchema),
    version: typeof version === "string" ? version : null,
    definition,
  };
  const hash = hashJson(facts);
  const stored = withoutSecrets({ ...facts, hash });
  return sameJson(impliedDefinition(stored), stored.definition)
    ? { ...stored, definition: null }
    : stored;
}

/** What a model is told where nobody has the tool itself any more. */
export function definitionOf(tool: FrozenTool): unknown {
  return tool.definition ?? impliedDefinition(tool);
}

function impliedDefinition({ name, description, input }: FrozenTool): unknown {
  return { type: "function", function: { name, description, parameters: input } };
}

/** Chooses what a model is offered: frozen tools in frozen order, live objects where nothing changed. */
export function offerTools(
  frozen: readonly FrozenTool[],
  live: readonly unknown[],
  revoked: ReadonlySet<string>,
): readonly unknown[] {
  const byHash = new Map(live.map((tool) => [describeTool(tool).hash, tool]));
  return frozen
    .filter(({ name }) => !revoked.has(name))
    .map((tool) => byHash.get(tool.hash) ?? definitionOf(tool));
}

/** Tools without the revoked ones; the list itself where none is revoked. */
export function withoutRevoked(
  tools: readonly unknown[],
  revoked: ReadonlySet<string>,
): readonly unknown[] {
  const allowed = tools.filter((tool) => !revoked.has(toolName(tool) ?? ""));
  return allowed.length === tools.length ? tools : allowed;
}

// Only what can be nothing but a secret: an argument may well be named `password`.
function withoutSecrets(tool: FrozenTool): FrozenTool {
  return JSON.parse(JSON.stringify(tool), (_key, value: unknown) =>
    typeof value === "string" ? maskKnownSecrets(value) : value,
  ) as FrozenTool;
}

function schemaOf(schema: unknown): unknown {
  return asJson(toJsonSchema(schema as never));
}
