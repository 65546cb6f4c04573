import { runLayer } from "./compose.ts";
import { CoreError } from "./errors.ts";
import type {
  Handler,
  Hook,
  HookContext,
  HookRuntime,
  Middleware,
  MiddlewareDefinition,
  MiddlewareMode,
  ModelRequest,
  ModelResult,
  RunOutcome,
  RunRequest,
  ToolCallRequest,
  ToolResult,
} from "./middleware.ts";
import { currentMode, isMode, offersTools } from "./mode.ts";
import { shadow } from "./observe.ts";
import { hookContext } from "./run/hook-context.ts";
import { noteDecision } from "./run/last-decision.ts";
import { ambientScope, passedBy, withScope } from "./run/scope.ts";
import type { AmbientScope, CallScope } from "./run/scope.ts";
import { privateStateSchema } from "./state/private-state.ts";
import { recordOptions } from "./store/record-options.ts";

type AnyDefinition = MiddlewareDefinition<Record<string, unknown>>;

/**
 * Makes a middleware of its definition: a plain object that LangChain's `createAgent` takes as it
 * is and that `withMiddleware` carries to any other graph.
 *
 * Error behavior: a malformed definition throws `invalid-middleware`. Output: the middleware.
 * State: the private channels it declares. When it fires: its hooks run wherever a seam meets a
 * call, at most once per call, and not at all in mode `"off"`.
 *
 * @example
 * ```ts
 * const timing = defineMiddleware({
 *   name: "timingMiddleware",
 *   options: {},
 *   async wrapToolCall(request, handler, { now, emit }) {
 *     const before = now();
 *     const result = await handler(request);
 *     emit("custom-tool-timed", { detail: { tool: request.toolCall.name, ms: now() - before } });
 *     return result;
 *   },
 * });
 * ```
 */
export function defineMiddleware<
  const Options extends object,
  Live extends object = Record<string, unknown>,
>(definition: MiddlewareDefinition<Options, Live>): Middleware {
  const known = definition as unknown as AnyDefinition;
  assertDefinition(known);
  const stateSchema = privateStateSchema(known.state ?? {});
  const { wrapModelCall, wrapToolCall } = known;
  const middleware = {
    name: known.name,
    ...(stateSchema === undefined ? {} : { stateSchema }),
    ...(known.tools !== undefined && offersTools(known) ? { tools: known.tools } : {}),
    ...(wrapModelCall === undefined
      ? {}
      : {
          wrapModelCall: (request: ModelRequest, handler: Handler<ModelRequest, ModelResult>) =>
            runCallHook("model", known, wrapModelCall, request, handler),
        }),
    ...(wrapToolCall === undefined
      ? {}
      : {
          wrapToolCall: (request: ToolCallRequest, handler: Handler<ToolCallRequest, ToolResult>) =>
            runCallHook("tool", known, wrapToolCall, request, handler),
        }),
    "~evenkeel": {
      version: 1,
      definition: known,
      recordedOptions: recordOptions(known.options),
    },
  };
  return middleware as unknown as Middleware;
}

interface CallRequest {
  readonly runtime: HookRuntime;
  readonly state: Readonly<Record<string, unknown>>;
}

/** Runs one middleware's hook around a call: mode, once per call, frozen options, handler guards. */
function runCallHook<Request extends CallRequest, Result>(
  kind: CallScope["kind"],
  definition: AnyDefinition,
  hook: Hook<Request, Result, Record<string, unknown>, Record<string, unknown>>,
  request: Request,
  handler: Handler<Request, Result>,
): Promise<Result> {
  // Not async: with every promise a stack grows, for every call of every node.
  try {
    return callHook(kind, definition, hook, request, handler);
  } catch (error) {
    return Promise.reject(error);
  }
}

function callHook<Request extends CallRequest, Result>(
  kind: CallScope["kind"],
  definition: AnyDefinition,
  hook: Hook<Request, Result, Record<string, unknown>, Record<string, unknown>>,
  request: Request,
  handler: Handler<Request, Result>,
): Promise<Result> {
  const scope = ambientScope();
  const mode = modeIn(scope, definition);
  const id = callId(kind, request, scope);
  const outer = scope.call?.kind === kind && scope.call.id === id ? scope.call : undefined;
  if (mode === "off" || outer?.passed.has(definition.name) === true) return handler(request);
  if (definition.needs?.run === true && scope.graph === undefined) {
    throw new CoreError({
      code: "run-seam-required",
      middleware: definition.name,
      message: `${definition.name} keeps its promise around the whole run and LangChain has no such hook. Wrap the agent: withMiddleware(createAgent({ … })).`,
    });
  }
  if (kind === "model") noteDecision(scope);
  const stream = outer?.stream ?? (kind === "model" ? { shown: false } : undefined);
  const { context, finish } = hookContext({ kind, definition, mode, scope, request, stream });
  const { graph, node } = scope;
  const { site } = outer ?? {};
  const name = kind === "tool" ? (request as unknown as ToolCallRequest).toolCall.name : undefined;
  const passed = passedBy(definition.name, outer?.passed);
  // Written out, not spread: made for every layer of every call, and fast to read in one shape.
  const inner: Handler<Request, Result> = (next) => {
    const tool = kind === "tool" ? { begun: false } : undefined;
    const call: CallScope = { kind, id, site, name, passed, stream, tool };
    const { effect } = ambientScope();
    return withScope({ effect, graph, node, call }, () => handler(next));
  };
  const layer = {
    name: definition.name,
    retries: definition.retries ?? false,
    hook: (next: Request, rest: Handler<Request, Result>) => hook(next, rest, context),
  };
  const result =
    mode === "observe" ? shadow(layer, request, inner, context) : runLayer(layer, request, inner);
  return finish === undefined ? result : result.then(finish);
}

/** A middleware's mode in the run that asks, which keeps the one it began with. */
function modeIn({ graph }: AmbientScope, definition: AnyDefinition): MiddlewareMode {
  const known = graph?.run.modes.get(definition);
  if (known !== undefined) return known;
  const mode = currentMode(definition);
  graph?.run.modes.set(definition, mode);
  return mode;
}

/** A tool call is known by its id; a model call in flight is the one whose scope is ambient. */
function callId(kind: CallScope["kind"], request: object, scope: AmbientScope): string {
  if (kind === "model") return scope.call?.kind === "model" ? scope.call.id : "model";
  return (request as ToolCallRequest).toolCall.id ?? "tool";
}

/** Runs one middleware's `wrapRun`; called by the run seam alone. */
export async function runRunHook(
  definition: AnyDefinition,
  request: RunRequest,
  handler: Handler<RunRequest, RunOutcome>,
  context: HookContext,
): Promise<RunOutcome> {
  const { wrapRun } = definition;
  if (wrapRun === undefined || context.mode === "off") return handler(request);
  const layer = {
    name: definition.name,
    retries: definition.retries ?? false,
    hook: (next: RunRequest, rest: Handler<RunRequest, RunOutcome>) => wrapRun(next, rest, context),
  };
  return context.mode === "observe"
    ? shadow(layer, request, handler, context)
    : runLayer(layer, request, handler);
}

function assertDefinition(definition: AnyDefinition): void {
  const refuse = (message: string): never => {
    throw new CoreError({
      code: "invalid-middleware",
      middleware: definition.name,
      message: `defineMiddleware: ${message}`,
    });
  };
  if (typeof definition !== "object" || definition === null) refuse("a definition is needed.");
  if (typeof definition.name !== "string" || definition.name === "") {
    refuse(`\`name\` must be a non-empty string; ${JSON.stringify(definition.name)} came.`);
  }
  if (typeof definition.options !== "object" || definition.options === null) {
    refuse(
      `\`options\` of ${definition.name} must be an object; ${typeof definition.options} came.`,
    );
  }
  if (definition.mode !== undefined && !isMode(definition.mode)) {
    throw new CoreError({
      code: "invalid-options",
      middleware: definition.name,
      message: `${definition.name}: mode ${JSON.stringify(definition.mode)} came; allowed is "enforce", "observe" or "off".`,
    });
  }
  for (const channel of Object.keys(definition.state ?? {})) {
    if (!channel.startsWith("_") || channel.startsWith("__")) {
      refuse(`private channel "${channel}" of ${definition.name} must begin with one underscore.`);
    }
  }
}
