/** Longer chains of causes are cut: what decides stands near the top. */
const MAX_LINKS = 32;

/** Reads a member of anything, and takes a getter or proxy that throws for a missing one. */
export function read(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null)
    return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}

/** The name an error's class goes by, whether or not the library sets `name`. */
export function classNameOf(error: unknown): string | undefined {
  const constructor = read(error, "constructor");
  const name = read(constructor, "unminifiable_name") ?? read(constructor, "name");
  return typeof name === "string" ? name : undefined;
}

/** What an error was wrapped around by LangChain or LangGraph, which change nothing about it. */
function wrapped(error: unknown): unknown {
  const brand = read(error, "~brand");
  if (brand === "MiddlewareError") return read(error, "cause");
  if (brand === "ToolInvocationError") return read(error, "toolError");
  return classNameOf(error) === "NodeError" ? read(error, "error") : undefined;
}

/** An error without the wrappers of LangChain and LangGraph around it. */
function unwrap(error: unknown): unknown {
  let current = error;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const inner = wrapped(current);
    if (inner === undefined || inner === null) return current;
    current = inner;
  }
  return current;
}

/** An error and everything under it by wrapper and `cause`, outermost first, each once. */
export function causeChain(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let current = error;
  while (current !== undefined && current !== null && chain.length < MAX_LINKS) {
    if (chain.includes(current)) break;
    chain.push(current);
    current = wrapped(current) ?? read(current, "cause");
  }
  return chain;
}

/**
 * True for what is to be treated as a failure; false for what LangGraph throws to pause or steer a
 * run (interrupts, commands to a parent, a drain) and for aborts. LangGraph reports a step's own
 * timeout with the very words of an abort: give the run's `signal`, and it counts as a failure
 * where that signal was not aborted.
 */
export function isFailure(error: unknown, signal?: AbortSignal): boolean {
  const bare = unwrap(error);
  if (read(bare, "is_bubble_up") === true || read(error, "is_bubble_up") === true) return false;
  const names = [read(bare, "name"), classNameOf(bare)];
  if (["AbortError", "ModelAbortError", "APIUserAbortError"].some((name) => names.includes(name))) {
    return false;
  }
  if (signal?.aborted === true) return read(signal.reason, "name") === "TimeoutError";
  const message = read(bare, "message");
  const abortWords =
    typeof message === "string" &&
    /^(?:Abort(?:ed|Error\b.*)?|Cancel(?:l?ed)?)[.!]?$/.test(message);
  return !abortWords || (signal !== undefined && message === "Abort");
}
