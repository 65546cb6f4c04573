import type { LoopContext } from "../options.ts";

/** Makes a user's function safe to call: one that throws costs a warning, never the run. */
export function guarded<Arguments extends unknown[], Result>(
  option: string,
  given: (...values: Arguments) => Result,
  instead: (...values: Arguments) => Result,
  { memory, emit }: LoopContext,
): (...values: Arguments) => Result {
  return (...values) => {
    try {
      return given(...values);
    } catch (error) {
      const warned = `warned:${option}`;
      if (!memory.has(warned)) {
        memory.set(warned, true);
        const message = error instanceof Error ? error.message : String(error);
        emit("middleware-warning", {
          severity: "medium",
          detail: { reason: "option-threw", option, message: message.slice(0, 300) },
        });
      }
      return instead(...values);
    }
  };
}
