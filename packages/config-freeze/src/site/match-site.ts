import type { SiteManifest } from "../manifest/shape.ts";
import type { FrozenSite } from "./frozen-sites.ts";
import { sameSite } from "./same-site.ts";

/** What a live call site was found to be. */
export interface SiteMatch {
  readonly found?: FrozenSite;
  /** The name to freeze it under, where it is a new one. */
  readonly free: string;
}

/**
 * Finds the frozen site a live one is. A name the user gave decides. Ordinals are counted by order of
 * first call, which data may turn round after a resume: so a frozen site of the same node that is the
 * very same comes before the one of the same ordinal.
 */
export function matchSite(
  name: string,
  live: SiteManifest,
  frozen: readonly FrozenSite[],
  taken: ReadonlySet<string>,
): SiteMatch {
  const own = frozen.find((site) => site.name === name);
  const place = /^(?<place>.*#)\d+$/.exec(name)?.groups?.["place"];
  if (place === undefined) return own === undefined ? { free: name } : { found: own, free: name };
  const ordinals = frozen.filter((site) => ordinalAt(place, site.name) !== undefined);
  const untaken = ordinals.filter((site) => !taken.has(site.name));
  const same = untaken.filter(({ entry, manifest }) =>
    sameSite(manifest, live, entry.dynamic === true),
  );
  const isOwn = (site: FrozenSite): boolean => site === own;
  const rest = own === undefined ? undefined : (untaken.find(isOwn) ?? untaken[0]);
  const found = same.find(isOwn) ?? same[0] ?? rest;
  if (found !== undefined) return { found, free: name };
  if (own === undefined) return { free: name };
  const highest = Math.max(...ordinals.map((site) => ordinalAt(place, site.name) ?? 0));
  return { free: `${place}${highest + 1}` };
}

function ordinalAt(place: string, name: string): number | undefined {
  const ordinal = name.startsWith(place) ? name.slice(place.length) : "";
  return /^\d+$/.test(ordinal) ? Number(ordinal) : undefined;
}
