import { ConfigFreezeError } from "../errors.ts";
import type { FreezeContext } from "../options.ts";
import type { Sealed } from "./manifest.ts";

/** Where manifest bodies lie when not in the private channel itself. */
export interface ManifestBodies {
  /** Keeps a body under its hash; false where the channel has to hold it. */
  put(hash: string, sealed: Sealed): Promise<boolean>;
  get(hash: string): Promise<unknown>;
}

// The parts of LangGraph's BaseStore that are used.
interface LangGraphStore {
  get(namespace: string[], key: string): Promise<{ value: unknown } | null>;
  put(namespace: string[], key: string, value: Record<string, unknown>): Promise<void>;
}

/**
 * Chooses where bodies lie: the `store` option; else, in native `createAgent`, LangGraph's store,
 * because LangChain copies private channels into each parallel tool call; else the channel.
 */
export function manifestBodies(context: FreezeContext, runtimeStore: unknown): ManifestBodies {
  const { scope } = context.execution;
  const { store } = context.live;
  if (store !== undefined) {
    return {
      put: async (hash, sealed) => {
        await store.putManifest(scope, hash, sealed);
        return true;
      },
      get: async (hash) => found(hash, await store.getManifest(scope, hash)),
    };
  }
  const own = runtimeStore as LangGraphStore | null | undefined;
  if (!context.native || own === null || own === undefined) return CHANNEL;
  const namespace = ["evenkeel", "manifests", labelOf(scope)];
  return {
    put: async (hash, sealed) => {
      await own.put(namespace, hash, { ...sealed });
      return true;
    },
    get: async (hash) => found(hash, (await own.get(namespace, hash))?.value),
  };
}

const CHANNEL: ManifestBodies = {
  put: () => Promise.resolve(false),
  get: (hash) => Promise.reject(missing(hash)),
};

function found(hash: string, body: unknown): unknown {
  if (body === undefined || body === null) throw missing(hash);
  return body;
}

function missing(hash: string): ConfigFreezeError {
  return new ConfigFreezeError({
    code: "manifest-missing",
    message: `The manifest ${hash} is not where its execution left it. Give configFreezeMiddleware the \`store\` this execution began with, or use upgradeExecution() to freeze today's configuration.`,
    details: { hash },
  });
}

// LangGraph's store refuses dots and empty labels in a namespace.
function labelOf(scope: string): string {
  return scope === "" ? "none" : scope.replaceAll(".", "%2E");
}
