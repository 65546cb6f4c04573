import { CoreError } from "./errors.ts";

/** A hook as the onion sees it: request in, result out, the rest of the stack behind `handler`. */
export type OnionHook<Request, Result> = (
  request: Request,
  handler: (request: Request) => Promise<Result>,
) => Promise<Result>;

/** One layer of the onion: whose hook it is and whether it may call its handler again. */
export interface OnionLayer<Request, Result> {
  readonly name: string;
  readonly retries: boolean;
  /** Its hook watches over its handler itself. @default false */
  readonly guarded?: boolean;
  readonly hook: OnionHook<Request, Result>;
}

/**
 * Makes one function of a stack: the first layer is outermost, `base` is the call itself. A handler
 * called again without leave, or not awaited, is a named error.
 *
 * @example
 * ```ts
 * const call = compose([{ name: "twice", retries: false, hook: async (n, next) => 2 * (await next(n)) }], async (n: number) => n + 1);
 * await call(3); // 8
 * ```
 */
export function compose<Request, Result>(
  layers: readonly OnionLayer<Request, Result>[],
  base: (request: Request) => Promise<Result>,
): (request: Request) => Promise<Result> {
  return layers.reduceRight<(request: Request) => Promise<Result>>(
    (inner, layer) => (request) =>
      layer.guarded === true ? layer.hook(request, inner) : runLayer(layer, request, inner),
    base,
  );
}

/** Runs one layer over `inner` and reports the two crimes a hook can commit against its handler. */
export async function runLayer<Request, Result>(
  layer: OnionLayer<Request, Result>,
  request: Request,
  inner: (request: Request) => Promise<Result>,
): Promise<Result> {
  let calls = 0;
  let pending = 0;
  const handler = (next: Request): Promise<Result> => {
    calls += 1;
    if (calls > 1 && !layer.retries) {
      return Promise.reject(
        new CoreError({
          code: "handler-called-twice",
          middleware: layer.name,
          message: `${layer.name} called its handler ${calls} times. Call it once, or declare \`retries: true\`.`,
        }),
      );
    }
    pending += 1;
    const settled = (): void => {
      pending -= 1;
    };
    const result = attempted(inner, next);
    // Also keeps a rejection that nobody awaited from ending the process before it is reported.
    result.then(settled, settled);
    return result;
  };
  const result = await layer.hook(request, handler);
  if (pending > 0) {
    throw new CoreError({
      code: "handler-not-awaited",
      middleware: layer.name,
      message: `${layer.name} returned while its handler was still at work. Is an \`await\` or \`return\` missing?`,
    });
  }
  return result;
}

/** What is thrown at once is a rejection as well: a hook may rely on a promise. */
function attempted<Request, Result>(
  work: (request: Request) => Promise<Result>,
  request: Request,
): Promise<Result> {
  try {
    return work(request);
  } catch (error) {
    return Promise.reject(error);
  }
}
