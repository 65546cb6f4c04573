import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { setImmediate } from "node:timers/promises";

/** Runs work and counts the timers it started that are still alive afterwards. */
export async function livingTimers(work: () => Promise<void>): Promise<number> {
  const alive = new Set<number>();
  const ours = new AsyncLocalStorage<true>();
  const hook = createHook({
    init(id, type) {
      if (type === "Timeout" && ours.getStore() === true) alive.add(id);
    },
    destroy: (id) => void alive.delete(id),
  }).enable();
  try {
    await ours.run(true, work);
    return alive.size;
  } finally {
    hook.disable();
  }
}

/** Lets everything that waits for nothing but its turn have it. */
export async function turns(count = 25): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}
