import { StateSchema } from "@langchain/langgraph";

import type { OnionLayer } from "../compose.ts";
import { CoreError } from "../errors.ts";
import { isEvenkeelMiddleware } from "../middleware.ts";
import type {
  AnyMiddleware,
  ForeignMiddleware,
  Middleware,
  MiddlewareDefinition,
  MiddlewareFacts,
  ModelRequest,
  ModelResult,
  ToolCallRequest,
  ToolResult,
} from "../middleware.ts";
import { currentMode } from "../mode.ts";
import { callForeignHook } from "./foreign-request.ts";

/** One middleware in a stack, ready to be composed. */
export interface StackEntry {
  readonly name: string;
  readonly middleware: AnyMiddleware;
  /** Undefined for LangChain's own and others' middleware. */
  readonly definition: MiddlewareDefinition<Record<string, unknown>> | undefined;
  readonly model: OnionLayer<ModelRequest, ModelResult> | undefined;
  readonly tool: OnionLayer<ToolCallRequest, ToolResult> | undefined;
  readonly tools: readonly unknown[];
  /** Already run by LangChain itself in this graph: only its `wrapRun` is ours to call. */
  readonly native: boolean;
}

const NODE_HOOKS = ["beforeAgent", "beforeModel", "afterModel", "afterAgent"] as const;

/** Checks a stack and makes it ready; a fault is a coded error that names the middleware. */
export function buildStack(
  middleware: readonly AnyMiddleware[],
  native: readonly AnyMiddleware[] = [],
): StackEntry[] {
  const entries = [
    ...middleware.map((candidate, index) => entryOf(candidate, index, false)),
    ...native.map((candidate, index) => entryOf(candidate, index, true)),
  ];
  const seen = new Set<string>();
  for (const { name } of entries) {
    if (seen.has(name)) {
      throw new CoreError({
        code: "duplicate-middleware",
        middleware: name,
        message: `Two middleware of the stack are named "${name}". Give one of them another name with its \`name\` option.`,
      });
    }
    seen.add(name);
  }
  return entries;
}

/** What is recorded of a stack: names, options as JSON, modes; foreign middleware by name alone. */
export function factsOf(stack: readonly StackEntry[]): MiddlewareFacts[] {
  return stack.map((entry) => ({
    name: entry.name,
    options: isEvenkeelMiddleware(entry.middleware)
      ? entry.middleware["~evenkeel"].recordedOptions
      : {},
    mode: entry.definition === undefined ? "enforce" : currentMode(entry.definition),
  }));
}

function entryOf(candidate: AnyMiddleware, index: number, native: boolean): StackEntry {
  if (typeof candidate !== "object" || candidate === null || typeof candidate.name !== "string") {
    throw new CoreError({
      code: "invalid-middleware",
      message: `Entry ${index} of the stack is no middleware: ${describe(candidate)} came; an object with a \`name\` and wrap hooks is allowed.`,
    });
  }
  return isEvenkeelMiddleware(candidate)
    ? ownEntry(candidate, native)
    : foreignEntry(candidate, native);
}

function ownEntry(middleware: Middleware, native: boolean): StackEntry {
  const { definition } = middleware["~evenkeel"];
  // The hook guards itself: it must in native createAgent.
  const layer = <Layer>(name: "wrapModelCall" | "wrapToolCall"): Layer | undefined => {
    const hook: unknown = middleware[name];
    return hook === undefined
      ? undefined
      : ({ name: middleware.name, retries: true, guarded: true, hook } as unknown as Layer);
  };
  return {
    name: middleware.name,
    middleware,
    definition,
    model: layer("wrapModelCall"),
    tool: layer("wrapToolCall"),
    tools: definition.tools ?? [],
    native,
  };
}

function foreignEntry(middleware: ForeignMiddleware, native: boolean): StackEntry {
  const hooks = NODE_HOOKS.filter((hook) => middleware[hook] !== undefined);
  if (hooks.length > 0 && !native) {
    throw new CoreError({
      code: "unsupported-hook",
      middleware: middleware.name,
      message: `${middleware.name} has ${hooks.join(", ")}. Such a hook is a graph node of createAgent: it takes a superstep, a checkpoint and a bite out of recursionLimit, and a hand-written graph has no place for it. Only wrapModelCall and wrapToolCall run on any graph; use this middleware inside createAgent.`,
      details: { hooks },
    });
  }
  const layer = <Layer>(name: "wrapModelCall" | "wrapToolCall"): Layer | undefined => {
    const hook = middleware[name];
    if (typeof hook !== "function" || native) return undefined;
    const call = callForeignHook.bind(undefined, middleware, hook as never);
    return { name: middleware.name, retries: true, hook: call } as unknown as Layer;
  };
  return {
    name: middleware.name,
    middleware,
    definition: undefined,
    model: layer("wrapModelCall"),
    tool: layer("wrapToolCall"),
    tools: middleware.tools ?? [],
    native,
  };
}

/** The channels a foreign middleware's state schema asks for, as LangGraph builds them. */
export function foreignSchemas(stack: readonly StackEntry[]): unknown[] {
  return stack
    .filter((entry) => entry.definition === undefined && !entry.native)
    .map((entry) => (entry.middleware as ForeignMiddleware).stateSchema)
    .filter((schema) => schema !== undefined && schema !== null);
}

/** The state keys of a foreign schema: of a StateSchema, or of a zod object. */
export function schemaKeys(schema: unknown): string[] {
  if (StateSchema.isInstance(schema)) return Object.keys(schema.fields);
  const shape = (schema as { shape?: unknown }).shape;
  const object = typeof shape === "function" ? (shape as () => unknown)() : shape;
  return typeof object === "object" && object !== null ? Object.keys(object) : [];
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? "an object without a name" : `a ${typeof value}`;
}
