import { differencesBetween } from "../drift/drift.ts";
import { answerFor, reportDrift } from "../drift/report.ts";
import type { SiteManifest } from "../manifest/shape.ts";
import type { FreezeContext } from "../options.ts";
import { memoryOf } from "../run/run-memory.ts";
import type { Verdict } from "../run/run-memory.ts";
import type { FrozenSite } from "./frozen-sites.ts";
import { sameSite } from "./same-site.ts";

/** Decides what to do at a call site, and reports what differs there: once per difference, not per call. */
export function judgeSite(
  { name, entry, manifest }: FrozenSite,
  live: SiteManifest,
  context: FreezeContext,
): Verdict {
  const dynamic = entry.dynamic === true;
  const { verdicts } = memoryOf(context);
  const known = knownVerdict({ name, entry }, live, context);
  if (known !== undefined) return known;
  const same = sameSite(manifest, live, dynamic);
  const differences = same
    ? []
    : differencesBetween(
        comparable(manifest, dynamic),
        JSON.parse(JSON.stringify(comparable(live, dynamic))),
      );
  const answer = answerFor(name, differences, context);
  const verdict = { about: live, same, answer };
  verdicts.set(name, verdict);
  if (differences.length > 0) reportDrift(name, differences, answer, context);
  return verdict;
}

/** The last verdict on a call site, where the live one is as it was then. */
export function knownVerdict(
  { name, entry }: Pick<FrozenSite, "name" | "entry">,
  live: SiteManifest,
  context: FreezeContext,
): Verdict | undefined {
  const known = memoryOf(context).verdicts.get(name);
  return known !== undefined && sameSite(known.about, live, entry.dynamic === true)
    ? known
    : undefined;
}

/** Tools by name, so that one more or less does not shift all that follow. */
function comparable(
  { prompt, tools, ...site }: SiteManifest,
  dynamic: boolean,
): Record<string, unknown> {
  return {
    ...site,
    prompt: dynamic ? null : prompt,
    tools: Object.fromEntries(tools.map(({ hash: _hash, ...tool }) => [tool.name, tool])),
    toolOrder: tools.map(({ name }) => name).join(","),
  };
}
