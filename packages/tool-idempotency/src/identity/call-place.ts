import { canonicalJson, sha256, storeInput } from "@evenkeel/core";

/** A call as it stands among the calls of its plan. */
export interface CallPlace {
  readonly argsHash: string;
  /** Of equal calls, the how many-th this is; 0-based. */
  readonly ordinal: number;
  /** Place in its message, for who is asked first. */
  readonly index: number;
  /** Whether other calls stand in the same message. */
  readonly alone: boolean;
  /** All calls of the tool so far, as `argsHash#ordinal`. */
  readonly planned: readonly string[];
  /** Equal calls before it that were answered, as `id#argsHash`. */
  readonly answered: readonly string[];
}

interface Call {
  readonly id?: string | undefined;
  readonly name: string;
  readonly args: unknown;
}

interface MessageLike {
  readonly tool_calls?: readonly Call[];
  readonly tool_call_id?: string;
  readonly type?: string;
  getType?(): string;
}

/** Hash over arguments: equal for equal JSON, whatever the order of its keys. */
export function hashArguments(args: unknown): string {
  try {
    return sha256(canonicalJson(args));
  } catch {
    // Arguments that are no canonical JSON (a lone surrogate, say) are told apart as they are written.
    return sha256(`as written:${storeInput.storedJson(args ?? null, "Arguments of a tool")}`);
  }
}

// Those of an earlier message stand; those of a message at work a hook may still change.
const settled = new WeakMap<object, string>();

/** The same for a call of an earlier message, which every later one of the run counts again. */
function hashSettled(args: unknown): string {
  if (typeof args !== "object" || args === null) return hashArguments(args);
  const known = settled.get(args) ?? hashArguments(args);
  settled.set(args, known);
  return known;
}

/**
 * Finds a call among the messages since the user last spoke; undefined where the messages do not
 * hold it. Counted from messages, so that it does not depend on which call happened to run first.
 */
export function placeOf(
  messages: unknown,
  id: string | undefined,
  name: string,
): CallPlace | undefined {
  if (!Array.isArray(messages) || id === undefined) return undefined;
  const list = messages as readonly MessageLike[];
  const since = list.findLastIndex((message) => typeOf(message) === "human") + 1;
  const equal = new Map<string, string[]>();
  const planned: string[] = [];
  const answers = new Set<string>();
  let found: Omit<CallPlace, "planned" | "answered"> | undefined;
  let before: readonly string[] = [];
  for (const message of list.slice(since)) {
    if (typeof message.tool_call_id === "string") answers.add(message.tool_call_id);
    const calls = message.tool_calls ?? [];
    const hash = calls.some((call) => call.id === id) ? hashArguments : hashSettled;
    for (const [index, call] of calls.entries()) {
      if (call.name !== name) continue;
      const argsHash = hash(call.args);
      const same = equal.get(argsHash) ?? [];
      if (call.id === id) {
        found = { argsHash, ordinal: same.length, index, alone: calls.length === 1 };
        before = [...same];
      }
      planned.push(`${argsHash}#${same.length}`);
      equal.set(argsHash, same);
      same.push(call.id ?? "");
    }
  }
  if (found === undefined) return undefined;
  const { argsHash } = found;
  const answered = before.filter((one) => answers.has(one)).map((one) => `${one}#${argsHash}`);
  return { ...found, planned, answered };
}

function typeOf(message: MessageLike): string | undefined {
  return typeof message.getType === "function" ? message.getType() : message.type;
}
