import { AIMessage, SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { getConfig, isCommand } from "@langchain/langgraph";
import type { BaseStore, Command } from "@langchain/langgraph";

import { runLayer } from "../compose.ts";
import { layersOf } from "../graph/layers.ts";
import type { HookRuntime, ModelRequest, ModelResult } from "../middleware.ts";
import { offersTools } from "../mode.ts";
import { NONE_PASSED, ambientScope, withScope } from "../run/scope.ts";
import type { AmbientScope, CallScope, NodeScope } from "../run/scope.ts";
import { callSite } from "./call-site.ts";
import type { SiteFacts } from "./call-site.ts";

/** One call of a chat model as it reached the seam; its settings are call options, tools apart. */
export interface ModelCall extends SiteFacts {
  /** The model without anything bound to it. */
  readonly model: unknown;
  readonly messages: readonly BaseMessage[];
  /** Makes the call exactly as it came. */
  readonly asItCame: () => Promise<AIMessage>;
  /** Makes the call as the middleware changed it. */
  readonly asChanged: (changed: ChangedCall) => Promise<AIMessage>;
}

/** What of a call differs after the middleware. */
export interface ChangedCall {
  readonly model: unknown;
  readonly messages: BaseMessage[];
  readonly tools: readonly unknown[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/** True where a model call would meet middleware. */
export function modelSeamActive(): boolean {
  const { graph, node } = ambientScope();
  return graph !== undefined && node !== undefined;
}

/** Carries a model call through the middleware of all graphs around it, outermost first. */
export async function throughModelSeam(call: ModelCall): Promise<AIMessage> {
  const scope = ambientScope();
  const { graph, node } = scope;
  if (graph === undefined || node === undefined) return call.asItCame();
  const outer = scope.call?.kind === "model" ? scope.call : undefined;
  const site = outer?.site ?? callSite(call, scope, node);
  const id = outer?.id ?? `model:${(modelCalls += 1)}`;
  const passed = outer?.passed ?? NONE_PASSED;
  const stream = outer?.stream ?? { shown: false };
  const called: CallScope = {
    kind: "model",
    id,
    site,
    name: undefined,
    passed,
    stream,
    tool: undefined,
  };
  const entered: AmbientScope = { effect: scope.effect, graph, node, call: called };

  const initial = initialRequest(call, scope, node);
  const commands: Command[] = [];
  let last: AIMessage | undefined;
  const settle = (result: ModelResult): ModelResult => {
    if (isCommand(result)) {
      if (!commands.includes(result)) commands.push(result);
      return last ?? result;
    }
    last = result;
    return result;
  };
  const make = async (request: ModelRequest): Promise<ModelResult> => {
    last = unchanged(request, initial, call)
      ? await call.asItCame()
      : await call.asChanged({
          model: request.model,
          messages: [...systemMessages(request, call), ...request.messages],
          tools: request.tools,
          settings: { ...request.modelSettings, ...toolChoice(request) },
        });
    return last;
  };
  const all = layersOf(graph.stack).model;
  const layers = outer === undefined ? all : all.filter((layer) => !passed.has(layer.name));
  const from = (index: number, request: ModelRequest): Promise<ModelResult> => {
    const layer = layers[index];
    if (layer === undefined) return make(request);
    const inner = (next: ModelRequest): Promise<ModelResult> =>
      from(index + 1, normalise(next, request));
    const result =
      layer.guarded === true ? layer.hook(request, inner) : runLayer(layer, request, inner);
    return result.then(settle);
  };
  const result = await withScope(entered, () => from(0, initial));
  node.commands.push(...commands);
  if (AIMessage.isInstance(result)) return result;
  if (last !== undefined) return last;
  return result as unknown as AIMessage;
}

let modelCalls = 0;

function initialRequest(call: ModelCall, scope: AmbientScope, node: NodeScope): ModelRequest {
  const [first] = call.messages;
  const leads = first !== undefined && SystemMessage.isInstance(first);
  const systemMessage = leads ? first : new SystemMessage("");
  const { tool_choice: choice, ...modelSettings } = call.settings;
  const extra = call.tools.length === 0 ? [] : stackTools(scope, call.tools);
  return {
    model: call.model,
    systemMessage,
    systemPrompt: textOf(systemMessage),
    messages: (leads ? call.messages.slice(1) : call.messages) as BaseMessage[],
    tools: extra.length === 0 ? call.tools : [...call.tools, ...extra],
    ...(choice === undefined ? {} : { toolChoice: choice }),
    modelSettings,
    // What few hooks look at is put together for those alone.
    get state() {
      return node.readState();
    },
    runtime: hookRuntime(),
  };
}

/** A message's own way to its text is through content blocks, whatever it holds. */
function textOf(message: SystemMessage): string {
  return typeof message.content === "string" ? message.content : message.text;
}

/** Tools that acting middleware brings, offered where the call has tools already. */
function stackTools(scope: AmbientScope, own: readonly unknown[]): unknown[] {
  const { graph } = scope;
  const entries = graph === undefined ? [] : layersOf(graph.stack).withTools;
  if (entries.length === 0) return [];
  const names = new Set(own.map(toolName));
  return entries
    .filter(({ definition }) => offersTools(definition))
    .flatMap((entry) => entry.tools)
    .filter((tool) => !names.has(toolName(tool)));
}

/** The name of a tool object or of a provider's JSON definition. */
export function toolName(tool: unknown): string | undefined {
  const named = tool as { name?: unknown; function?: { name?: unknown } } | null;
  const name = named?.name ?? named?.function?.name;
  return typeof name === "string" ? name : undefined;
}

/** The runtime LangChain hands to hooks, taken from the config of the current task. */
export function hookRuntime(): HookRuntime {
  const config = (getConfig() ?? {}) as unknown as HookRuntime & { store?: BaseStore };
  return Object.freeze({
    context: config.context,
    store: config.store,
    configurable: config.configurable,
    writer: config.writer,
    interrupt: config.interrupt,
    signal: config.signal,
  });
}

/** Keeps `systemPrompt` and `systemMessage` the same thing, as LangChain does between two layers. */
function normalise(next: ModelRequest, before: ModelRequest): ModelRequest {
  if (next.systemMessage !== before.systemMessage) {
    return { ...next, systemPrompt: textOf(next.systemMessage) };
  }
  if (next.systemPrompt === before.systemPrompt) return next;
  const text = next.systemPrompt ?? "";
  return { ...next, systemMessage: new SystemMessage({ content: [{ type: "text", text }] }) };
}

function systemMessages({ systemMessage }: ModelRequest, { messages }: ModelCall): BaseMessage[] {
  // An empty one is what a call without any is shown as; one that came is sent, empty or not.
  return textOf(systemMessage) === "" && systemMessage !== messages[0] ? [] : [systemMessage];
}

function toolChoice({ toolChoice: choice }: ModelRequest): Record<string, unknown> {
  return choice === undefined ? {} : { tool_choice: choice };
}

function unchanged(request: ModelRequest, initial: ModelRequest, call: ModelCall): boolean {
  return (
    request.model === initial.model &&
    request.systemMessage === initial.systemMessage &&
    sameList(request.messages, initial.messages) &&
    request.tools === call.tools &&
    request.toolChoice === initial.toolChoice &&
    request.modelSettings === initial.modelSettings
  );
}

/** True for lists of the very same items. */
export function sameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return (
    one === other || (one.length === other.length && one.every((item, i) => item === other[i]))
  );
}
