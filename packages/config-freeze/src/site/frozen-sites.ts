import type { ManifestBodies } from "../manifest/bodies.ts";
import { openSiteManifest, seal } from "../manifest/manifest.ts";
import type { Sealed } from "../manifest/manifest.ts";
import type { SiteManifest } from "../manifest/shape.ts";
import type { FreezeContext } from "../options.ts";
import { memoryOf } from "../run/run-memory.ts";
import { matchSite } from "./match-site.ts";

/** The private channel of call sites. */
export const SITES_CHANNEL = "_configSites";

/** A call site as the channel holds it. */
export interface SiteEntry {
  /** The freezing it belongs to: an upgraded execution starts its sites afresh. */
  readonly generation: string;
  readonly hash: string;
  /** Absent where the body lies in a store. */
  readonly sealed?: Sealed;
  /** The prompt was seen to change between two calls in one process. */
  readonly dynamic?: boolean;
  /** The dated name an alias answered with. */
  readonly pinned?: string;
  /** The dated name could not be called. */
  readonly unpinnable?: boolean;
}

/** A frozen call site, opened. */
export interface FrozenSite {
  readonly name: string;
  readonly entry: SiteEntry;
  readonly manifest: SiteManifest;
}

/** The frozen site of a call, and whether this call froze it. */
interface FoundSite {
  readonly site: FrozenSite;
  readonly isNew: boolean;
}

/** The call sites of one execution. */
export interface FrozenSites {
  /** The frozen site a live call belongs to; the first call of a site freezes it. */
  findOrFreeze(name: string, live: SiteManifest): Promise<FoundSite>;
  /** Changes what is noted of a site beside its manifest, durably. */
  amend(site: FrozenSite, change: Partial<SiteEntry>): Promise<FrozenSite>;
  /** Every site frozen so far. */
  all(): Promise<FrozenSite[]>;
  /** The same where the channel of this node was read before, else undefined. */
  opened(): FrozenSite[] | undefined;
}

/** The call sites of the execution a hook runs in: read from the channel once, then remembered. */
export function frozenSites(context: FreezeContext, bodies: ManifestBodies): FrozenSites {
  const memory = memoryOf(context);
  const generation = memory.run?.generation ?? "";

  const entries = (): [string, SiteEntry][] =>
    Object.entries({
      ...memory.held,
      ...(context.state.read(SITES_CHANNEL) as Record<string, SiteEntry>),
    }).filter(([, entry]) => entry.generation === generation);

  async function open(name: string, entry: SiteEntry): Promise<void> {
    const sealed = entry.sealed ?? (await bodies.get(entry.hash));
    if (memory.sites.has(name)) return;
    memory.sites.set(name, { name, entry, manifest: openSiteManifest(sealed, entry.hash, name) });
  }

  // Parallel tasks of one superstep do not see each other's writes: what is remembered counts.
  async function all(): Promise<FrozenSite[]> {
    if (opened() === undefined) {
      for (const [name, entry] of entries()) {
        if (!memory.sites.has(name)) await open(name, entry);
      }
      // A native execution may have gone on elsewhere meanwhile, and its memory here outlives a call.
      if (!context.native) memory.readAt.add(context.node ?? "");
    }
    return [...memory.sites.values()];
  }

  function opened(): FrozenSite[] | undefined {
    return memory.readAt.has(context.node ?? "") ? [...memory.sites.values()] : undefined;
  }

  async function keep(site: FrozenSite): Promise<FrozenSite> {
    memory.sites.set(site.name, site);
    await context.state.save(SITES_CHANNEL, { [site.name]: site.entry });
    return site;
  }

  async function freeze(name: string, live: SiteManifest): Promise<FrozenSite> {
    const sealed = seal(live);
    const { hash } = sealed;
    const elsewhere = await bodies.put(hash, sealed);
    const entry = elsewhere ? { generation, hash } : { generation, hash, sealed };
    return keep({ name, entry, manifest: sealed.body as SiteManifest });
  }

  function matched(name: string): FrozenSite | undefined {
    const known = memory.matched.get(name);
    return known === undefined ? undefined : memory.sites.get(known);
  }

  async function findOrFreeze(name: string, live: SiteManifest): Promise<FoundSite> {
    const known = matched(name);
    if (known !== undefined) return { site: known, isNew: false };
    const taken = new Set(memory.matched.values());
    const { found, free } = matchSite(name, live, await all(), taken);
    const site = found ?? (await freeze(free, live));
    memory.matched.set(name, site.name);
    return { site, isNew: found === undefined };
  }

  return {
    all,
    opened,
    // The first calls of a site may come in parallel: one freezes it, the others find it frozen.
    findOrFreeze: (name, live) => {
      const known = matched(name);
      return known === undefined
        ? inTurn(memory.freezing, placeOf(name), () => findOrFreeze(name, live))
        : Promise.resolve({ site: known, isNew: false });
    },
    amend: (site, change) => keep({ ...site, entry: { ...site.entry, ...change } }),
  };
}

function placeOf(name: string): string {
  return name.slice(0, name.lastIndexOf("#"));
}

async function inTurn<Result>(
  turns: Map<string, Promise<unknown>>,
  key: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = turns.get(key);
  const mine = before === undefined ? work() : before.then(work, work);
  turns.set(key, mine);
  return mine;
}
