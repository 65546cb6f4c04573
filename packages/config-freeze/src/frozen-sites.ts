import type { HookContext } from "@evenkeel/core";

import type { ManifestBodies } from "./manifest-bodies.ts";
import { openSiteManifest, seal } from "./manifest.ts";
import type { Sealed, SiteManifest } from "./manifest.ts";

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
}

/** A frozen call site, opened. */
export interface FrozenSite {
  readonly entry: SiteEntry;
  readonly manifest: SiteManifest;
}

/** The call sites of one execution: read from the channel once, kept for the life of the process. */
export interface FrozenSites {
  find(site: string): Promise<FrozenSite | undefined>;
  freeze(site: string, manifest: SiteManifest): Promise<FrozenSite>;
  amend(site: string, change: Partial<SiteEntry>): void;
  /** Every site frozen so far. */
  all(): Promise<ReadonlyMap<string, FrozenSite>>;
}

/** The call sites of the execution a hook runs in. */
export function frozenSites(
  context: HookContext,
  generation: string,
  bodies: ManifestBodies,
): FrozenSites {
  const opened = remembered(context);
  const read = async (site: string, entry: SiteEntry): Promise<FrozenSite> => {
    const known = opened.get(site);
    if (known !== undefined && known.entry.hash === entry.hash) return known;
    const sealed = entry.sealed ?? (await bodies.get(entry.hash));
    const fresh = { entry, manifest: openSiteManifest(sealed, site) };
    opened.set(site, fresh);
    return fresh;
  };
  const write = (site: string, entry: SiteEntry, manifest: SiteManifest): FrozenSite => {
    const fresh = { entry, manifest };
    opened.set(site, fresh);
    context.state.write(SITES_CHANNEL, { [site]: entry });
    return fresh;
  };
  const entries = (): [string, SiteEntry][] =>
    Object.entries(context.state.read(SITES_CHANNEL) as Record<string, SiteEntry>).filter(
      ([, entry]) => entry.generation === generation,
    );
  return {
    find: async (site) => {
      const known = opened.get(site);
      if (known !== undefined && known.entry.generation === generation) return known;
      const entry = entries().find(([name]) => name === site)?.[1];
      return entry === undefined ? undefined : read(site, entry);
    },
    freeze: async (site, manifest) => {
      const sealed = seal(manifest);
      const { hash } = sealed;
      const elsewhere = await bodies.put(hash, sealed);
      const entry = elsewhere ? { generation, hash } : { generation, hash, sealed };
      return write(site, entry, sealed.body as SiteManifest);
    },
    amend: (site, change) => {
      const known = opened.get(site);
      if (known !== undefined) write(site, { ...known.entry, ...change }, known.manifest);
    },
    all: async () => {
      for (const [site, entry] of entries()) await read(site, entry);
      return opened;
    },
  };
}

// Parallel tasks of one superstep do not see each other's writes: the first to freeze is remembered.
function remembered(context: HookContext): Map<string, FrozenSite> {
  const known = context.memory.get("sites") as Map<string, FrozenSite> | undefined;
  if (known !== undefined) return known;
  const fresh = new Map<string, FrozenSite>();
  context.memory.set("sites", fresh);
  return fresh;
}
