import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

import { assertOptions } from "./assert-options.ts";
import { callOnce } from "./call/effect-call.ts";
import { BRANCH_CHANNEL } from "./effects-channel.ts";
import { holdExecution } from "./lease/execution-hold.ts";
import { resolveOptions } from "./options.ts";
import type { IdempotencyLive, IdempotencySettings, ToolIdempotencyOptions } from "./options.ts";

/**
 * Keeps the effect of a tool from happening twice, whatever crashes, retries, re-plans or runs beside
 * it: an effect is claimed before it happens and recorded after, and an execution is carried on by
 * one worker at a time.
 *
 * Error behavior: a store that does not answer fails the run with its code before the effect, never
 * after; `execution-busy` where another worker holds the execution, `lease-lost` where this one lost
 * it. A tool's own errors pass.
 * Output: the tool's answer, or the recorded one under the id of the call that asks.
 * State: the branch of the execution, where it was forked, and which nodes called tools themselves;
 * effects and leases are in the store.
 * When it fires: around the whole run, and around each call of a tool that is not `pure`.
 *
 * @example
 * ```ts
 * const once = toolIdempotencyMiddleware({
 *   store: memoryStore(),
 *   tools: { lookup_order: "pure", refund: { effect: "keyed", key: ({ id }) => `refund:${id}` } },
 * });
 * ```
 */
export function toolIdempotencyMiddleware(options: ToolIdempotencyOptions): Middleware {
  assertOptions(options);
  const { settings, live } = resolveOptions(options);
  return defineMiddleware<IdempotencySettings, IdempotencyLive>({
    name: live.name,
    mode: options.mode,
    options: settings,
    live,
    needs: { durability: "sync" },
    state: { [BRANCH_CHANNEL]: {} },
    failClosed: true,
    wrapRun: holdExecution,
    wrapToolCall: callOnce,
  });
}
