import type { SiteManifest } from "../manifest/shape.ts";
import type { DriftAnswer, FreezeContext } from "../options.ts";
import type { FrozenSite, SiteEntry } from "../site/frozen-sites.ts";

/** What of a frozen run the hooks of its calls need. */
export interface RunFreeze {
  /** Tells this freezing from one before an upgrade. */
  readonly generation: string;
  readonly hash: string;
  readonly config: unknown;
}

/** What was made of a live call site beside the frozen one. */
export interface Verdict {
  /** The live site it is about. */
  readonly about: SiteManifest;
  /** Nothing of it differs. */
  readonly same: boolean;
  readonly answer: DriftAnswer;
}

/** What a run remembers in this process; gone with it, and never persisted. */
export interface RunMemory {
  run: RunFreeze | undefined;
  /** Call sites as the checkpoint had them when the run began. */
  held: Readonly<Record<string, SiteEntry>>;
  /** Call sites opened or frozen in this process. */
  readonly sites: Map<string, FrozenSite>;
  /** Node paths whose channel was read: what comes to it later is frozen in this process. */
  readonly readAt: Set<string>;
  /** The frozen site each live call site was found to be. */
  readonly matched: Map<string, string>;
  /** Frees the next call of a site once the first has frozen it. */
  readonly freezing: Map<string, Promise<unknown>>;
  /** The last live prompt of a site. */
  readonly prompts: Map<string, SiteManifest["prompt"]>;
  /** The last verdict on a site. */
  readonly verdicts: Map<string, Verdict>;
  /** Models built anew, by live model and frozen description. */
  readonly rebuilt: WeakMap<object, Map<string, Promise<object>>>;
  /** Every field that was seen to differ. */
  readonly drifted: Set<string>;
}

const KEY = "freeze";

/** The memory of the run a hook runs in. */
export function memoryOf({ memory }: Pick<FreezeContext, "memory">): RunMemory {
  const known = memory.get(KEY) as RunMemory | undefined;
  if (known !== undefined) return known;
  const fresh: RunMemory = {
    run: undefined,
    held: {},
    sites: new Map(),
    readAt: new Set(),
    matched: new Map(),
    freezing: new Map(),
    prompts: new Map(),
    verdicts: new Map(),
    rebuilt: new WeakMap(),
    drifted: new Set(),
  };
  memory.set(KEY, fresh);
  return fresh;
}

/** The frozen run among a middleware's memory, where there is one. */
export function frozenRunIn(
  memory: ReadonlyMap<string, unknown> | undefined,
): RunFreeze | undefined {
  return (memory?.get(KEY) as RunMemory | undefined)?.run;
}
