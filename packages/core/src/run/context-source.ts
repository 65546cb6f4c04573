import { CoreError } from "../errors.ts";
import type {
  HookContext,
  HookRuntime,
  MiddlewareDefinition,
  MiddlewareMode,
  PrivateChannel,
} from "../middleware.ts";
import { EXECUTION_CHANNEL } from "./execution.ts";
import type { AmbientScope, CallScope } from "./scope.ts";

/** A definition whatever its options are. */
export type AnyDefinition = MiddlewareDefinition<Record<string, unknown>>;
/** Entries of a private channel. */
export type Entries = Readonly<Record<string, unknown>>;

/** What the context of a call's hook is built from. */
export interface ContextSource {
  readonly kind: CallScope["kind"];
  readonly definition: AnyDefinition;
  readonly mode: MiddlewareMode;
  readonly scope: AmbientScope;
  readonly request: { runtime: HookRuntime; state: Readonly<Record<string, unknown>> };
  readonly stream: CallScope["stream"];
}

/** A hook's context, and what is to be done with its result. */
export interface BuiltContext {
  readonly context: HookContext;
  /** Hands native state to LangChain; undefined where there is a node scope to carry it. */
  readonly finish?: <Result>(result: Result) => Result;
}

/** Whose the entries of a channel are: the execution's, or the whole thread's. */
export function ownerOf(
  { state }: AnyDefinition,
  channel: string,
  executionId: string,
): string | null {
  const channels: Readonly<Record<string, PrivateChannel>> = state ?? {};
  return channels[channel]?.reset === "never" ? null : executionId;
}

/** What a middleware remembers of a run in this process. */
export function memoryOf<Key>(
  memory: Map<Key, Map<string, unknown>>,
  key: Key,
): Map<string, unknown> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const fresh = new Map<string, unknown>();
  memory.set(key, fresh);
  return fresh;
}

/** The place of a model call; null for a tool call. */
export function callSiteOf({ kind, scope }: ContextSource, path: string): string | null {
  return kind === "model" ? (scope.call?.site ?? `${path}#0`) : null;
}

/** Refuses a private channel that a definition does not declare. */
export function assertDeclared(definition: AnyDefinition, channel: string): string {
  if (channel === EXECUTION_CHANNEL || Object.hasOwn(definition.state ?? {}, channel)) {
    return channel;
  }
  throw new CoreError({
    code: "state-not-declared",
    middleware: definition.name,
    message: `${definition.name} used private channel "${channel}" and declares ${Object.keys(definition.state ?? {}).join(", ") || "none"}. Declare it under \`state\`.`,
  });
}
