import { defineMiddleware, runMemory } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

import { assertOptions } from "./assert-options.ts";
import { freezeModelCall } from "./calls/model-calls.ts";
import { freezeToolCall } from "./calls/tool-calls.ts";
import { ConfigFreezeError } from "./errors.ts";
import type { ConfigFreezeMiddlewareOptions, FreezeLive, FreezeOptions } from "./options.ts";
import { RUN_CHANNEL, freezeRun } from "./run/run-freeze.ts";
import { frozenRunIn } from "./run/run-memory.ts";
import { SITES_CHANNEL } from "./site/frozen-sites.ts";

/** The middleware, and the typed accessor to the configuration it froze. */
export interface ConfigFreezeMiddleware<Config> extends Middleware {
  /** The frozen configuration of the execution that asks; call it in a node, a router or a tool. */
  config(): Config;
}

/**
 * Keeps an execution on the configuration it began with: its own `config`, middleware options and
 * limits from the input on, model, settings, system prompt and tools of each call site from its
 * first call on, through retries, interrupts, crashes, resumes by another version, and forks.
 *
 * Error behavior: bad options throw `invalid-options` here; a manifest that was tampered with, cut,
 * or written by a newer release, and a model that cannot be rebuilt, fail the run with a code.
 * Output: the model's requests carry the frozen prompt, settings and tools. State: `_config` and
 * `_configSites`, private. When it fires: when a run starts, and around each model and tool call.
 *
 * @example
 * ```ts
 * const freeze = configFreezeMiddleware({ config: () => ({ tone: "friendly" }) });
 * const agent = withMiddleware(graph, [freeze]);
 * ```
 */
export function configFreezeMiddleware<Config = null>(
  options: ConfigFreezeMiddlewareOptions<Config> = {},
): ConfigFreezeMiddleware<Config> {
  assertOptions(options);
  const { name = "configFreezeMiddleware", mode, durability = "sync" } = options;
  const { include = {}, onDrift = "use-frozen", pinModelAlias = false } = options;
  const { config, resolveModel, tools, revoke, store } = options;
  const middleware = defineMiddleware<FreezeOptions, FreezeLive>({
    name,
    mode,
    outsideOf: { "*": "its options are to be frozen before it asks for them" },
    options: { include, onDrift, pinModelAlias },
    live: { name, durability, ...present({ config, resolveModel, tools, revoke, store }) },
    needs: durability === "sync" ? { durability: "sync" } : {},
    state: { [RUN_CHANNEL]: { forks: "execution" }, [SITES_CHANNEL]: { forks: "execution" } },
    // A dated name that turns out unknown is called by its alias again.
    retries: pinModelAlias,
    wrapRun: freezeRun,
    wrapModelCall: freezeModelCall,
    wrapToolCall: freezeToolCall,
  });
  return Object.assign(middleware, { config: () => frozenConfig<Config>(name) });
}

/** The record without what was left out, as exactOptionalPropertyTypes wants it. */
function present<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

function frozenConfig<Config>(name: string): Config {
  const run = frozenRunIn(runMemory(name));
  if (run !== undefined) return run.config as Config;
  throw new ConfigFreezeError({
    code: "config-unavailable",
    middleware: name,
    message: `${name}.config() was asked where no run of a graph with this middleware is under way. Ask in a node, a router or a tool of withMiddleware(graph, [freeze]); native createAgent has no run seam, and in mode "off" nothing is evaluated.`,
  });
}
