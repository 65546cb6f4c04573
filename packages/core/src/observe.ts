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
  const changedResult = !same(decided, outcome);
  if (changedRequest || changedResult) {
    const threw = changedResult && "error" in decided ? { threw: nameOf(decided.error) } : {};
    context.emit("would-have-acted", {
      severity: "threw" in threw ? "low" : "info",
      detail: { changedRequest, changedResult, ...threw },
    });
  }
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

type Outcome<Result> = { readonly value: Result } | { readonly error: unknown };

async function outcomeOf<Result>(work: Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}

function same<Result>(one: Outcome<Result>, other: Outcome<Result>): boolean {
  if ("error" in one) return "error" in other && one.error === other.error;
  return "value" in other && one.value === other.value;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
