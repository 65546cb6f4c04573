import { runLayer } from "./compose.ts";
import type { OnionLayer } from "./compose.ts";
import type { HookContext } from "./middleware.ts";

/**
 * Runs a hook beside the call instead of around it: whatever it decides, the handler gets the
 * original request once and its outcome is what the run sees. This is what makes `observe` safe.
 */
export async function shadow<Request, Result>(
  layer: OnionLayer<Request, Result>,
  request: Request,
  handler: (request: Request) => Promise<Result>,
  context: HookContext,
): Promise<Result> {
  let real: Promise<Result> | undefined;
  const once = (): Promise<Result> => (real ??= handler(request));
  let asked: Request | undefined;
  try {
    const answer = await runLayer({ ...layer, retries: true }, request, (next) => {
      asked = next;
      return once();
    });
    const outcome = await once();
    if (answer !== outcome || (asked !== undefined && asked !== request)) {
      context.emit("would-have-acted", {
        detail: {
          changedRequest: asked !== undefined && asked !== request,
          changedResult: answer !== outcome,
        },
      });
    }
    return outcome;
  } catch (error) {
    // The call's own failure is the run's business; the hook's is not.
    const outcome = await once();
    context.emit("would-have-acted", {
      severity: "low",
      detail: { threw: error instanceof Error ? error.name : typeof error },
    });
    return outcome;
  }
}
