import { sendReport } from "./child-report.ts";

/** Environment variable that names the point to die at, such as `tool:refund:after-effect#2`. */
export const CRASH_AT = "EVENKEEL_CRASH_AT";

interface Target {
  readonly name: string;
  readonly hit: number;
  hits: number;
}

// Process-wide, as a process may hold two copies of this module and must count in one place.
const TARGET: unique symbol = Symbol.for("evenkeel.crash-target");
const LISTENER: unique symbol = Symbol.for("evenkeel.crash-point-listener");
const shared: typeof globalThis & {
  [TARGET]?: Target | "none";
  [LISTENER]?: (name: string) => void;
} = globalThis;

/**
 * Names a place in the code where `crash()` can kill the process. Where the environment names
 * it, the process dies here by SIGKILL: no handler, no `finally`, no flush, nothing after it. Anywhere
 * else it compares two strings.
 */
export function crashPoint(name: string): void {
  shared[LISTENER]?.(name);
  const target = (shared[TARGET] ??= readTarget(process.env[CRASH_AT]) ?? "none");
  if (target === "none" || target.name !== name) return;
  target.hits += 1;
  if (target.hits !== target.hit) return;
  sendReport({ kind: "point", at: `${name}#${target.hit}` });
  process.kill(process.pid, "SIGKILL");
  // In a worker thread, or on a system that kills with a delay, nothing may happen in between.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Has every point that is reached from here on told to a listener, in order. */
export function onCrashPoint(listener: (name: string) => void): void {
  shared[LISTENER] = listener;
}

function readTarget(text: string | undefined): Target | undefined {
  if (text === undefined || text === "") return undefined;
  const [, name = text, hit = "1"] = /^(.*)#(\d+)$/u.exec(text) ?? [];
  return { name, hit: Number(hit), hits: 0 };
}
