/** What must not be used any more, read live: it beats every freeze. */
export interface Revocation {
  /** Names of tools that are neither offered nor run. */
  readonly tools?: readonly string[];
  /** Names of models that are not called; the live model is called instead. */
  readonly models?: readonly string[];
  /** Manifest hashes whose executions are frozen anew to today's configuration. */
  readonly configHashes?: readonly string[];
}

/** A revocation as sets, whether it was given as a value or as a function. */
export interface Revoked {
  readonly tools: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  readonly configHashes: ReadonlySet<string>;
}

/** Reads the revocation that holds right now. */
export function revokedNow(
  source: Revocation | (() => Revocation | Promise<Revocation>) | undefined,
): Revoked | Promise<Revoked> {
  if (source === undefined) return NONE;
  if (typeof source !== "function") return asSets(source);
  const now = source();
  return now instanceof Promise ? now.then(asSets) : asSets(now);
}

function asSets({ tools = [], models = [], configHashes = [] }: Revocation): Revoked {
  return {
    tools: new Set(tools),
    models: new Set(models),
    configHashes: new Set(configHashes),
  };
}

const NONE: Revoked = asSets({});
