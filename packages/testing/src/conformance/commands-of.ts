import type { AnyMiddleware } from "@evenkeel/core";
import { isCommand } from "@langchain/langgraph";
import type { Command } from "@langchain/langgraph";

type Hook = (request: unknown, handler: (request: unknown) => Promise<unknown>) => Promise<unknown>;

/** The middleware, and every Command it makes itself; those its handler returns are not its own. */
export function commandsOf(middleware: AnyMiddleware): {
  middleware: AnyMiddleware;
  commands: readonly Command[];
} {
  const commands: Command[] = [];
  const seen = (hook: unknown): Hook | undefined =>
    typeof hook !== "function"
      ? undefined
      : async (request, handler) => {
          const passed = new Set<unknown>();
          const passing = async (next: unknown): Promise<unknown> => {
            const result = await handler(next);
            passed.add(result);
            return result;
          };
          const result: unknown = await Reflect.apply(hook, middleware, [request, passing]);
          if (isCommand(result) && !passed.has(result)) commands.push(result);
          return result;
        };
  const hooks = Object.entries({
    wrapModelCall: seen(middleware.wrapModelCall),
    wrapToolCall: seen(middleware.wrapToolCall),
  }).filter(([, hook]) => hook !== undefined);
  // An own copy: the brand and the definition travel along, so it is the same middleware to core.
  return { middleware: { ...middleware, ...Object.fromEntries(hooks) }, commands };
}
