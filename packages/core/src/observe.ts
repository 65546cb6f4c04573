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
  const decided = await outcomeOf(
    runLayer({ ...layer, retries: true }, request, (next) => {
      asked = next;
      return once();
    }),
  );
  // The call's own failure is the run's business; the hook's is not.
  const outcome = await outcomeOf(once());
  const changedRequest = asked !== undefined && asked !== request;
  if ("error" in decided) {
    if (!("error" in outcome) || outcome.error !== decided.error) {
      const { error } = decided;
      context.emit("would-have-acted", {
        severity: "low",
        detail: { threw: error instanceof Error ? error.name : typeof error },
      });
    }
  } else if (changedRequest || "error" in outcome || outcome.value !== decided.value) {
    const changedResult = "error" in outcome || outcome.value !== decided.value;
    context.emit("would-have-acted", { detail: { changedRequest, changedResult } });
  }
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

async function outcomeOf<Result>(
  work: Promise<Result>,
): Promise<{ readonly value: Result } | { readonly error: unknown }> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}
