import { ConfigFreezeError } from "./errors.ts";
import { isRecord } from "./plain-json.ts";

/** What must not be used any more, read live: it beats every freeze. */
export interface Revocation {
  /** Names of tools that are neither offered nor run. */
  readonly tools?: readonly string[];
  /** Names of models that are not called; the live model is called instead. */
  readonly models?: readonly string[];
  /** Hashes of configurations whose executions are frozen anew to today's: of a whole manifest, or of a part. */
  readonly configHashes?: readonly string[];
}

/** Where a revocation comes from: a value, or a function asked with every call. */
export type RevocationSource = Revocation | (() => Revocation | Promise<Revocation>);

/** A revocation as sets, whether it was given as a value or as a function. */
export interface Revoked {
  readonly tools: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  readonly configHashes: ReadonlySet<string>;
}

const NONE: Revoked = { tools: new Set(), models: new Set(), configHashes: new Set() };

/** Reads the revocation that holds right now; where it cannot be read, nothing is called. */
export async function revokedNow(source: RevocationSource | undefined): Promise<Revoked> {
  if (source === undefined) return NONE;
  if (typeof source !== "function") return asSets(source);
  let now: unknown;
  try {
    now = await source();
  } catch (error) {
    throw unavailable(`threw ${error instanceof Error ? error.name : typeof error}`, error);
  }
  const fault = faultOf(now);
  if (fault !== undefined) throw unavailable(`gave ${fault}`);
  return asSets(now as Revocation);
}

/** What is wrong with a revocation; undefined where it is one. */
export function faultOf(value: unknown): string | undefined {
  if (!isRecord(value)) return value === null ? "null" : `a ${typeof value}`;
  for (const [key, names] of Object.entries(value)) {
    if (!["tools", "models", "configHashes"].includes(key)) return `"${key}"`;
    if (names === undefined) continue;
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
      return `"${key}" that is no list of names`;
    }
  }
  return undefined;
}

function asSets({ tools = [], models = [], configHashes = [] }: Revocation): Revoked {
  return {
    tools: new Set(tools),
    models: new Set(models),
    configHashes: new Set(configHashes),
  };
}

function unavailable(what: string, cause?: unknown): ConfigFreezeError {
  return new ConfigFreezeError({
    code: "revocation-unavailable",
    message: `revoke() ${what}; allowed is { tools?, models?, configHashes? }, each a list of names. Nothing is called while it is unknown what was revoked.`,
    cause,
  });
}
