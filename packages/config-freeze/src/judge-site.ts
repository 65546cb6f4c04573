import { answerFor, reportDrift } from "./drift-report.ts";
import { differencesBetween } from "./drift.ts";
import type { FrozenSite } from "./frozen-sites.ts";
import type { SiteManifest } from "./manifest-shape.ts";
import type { DriftAnswer, FreezeContext } from "./options.ts";
import { memoryOf } from "./run-memory.ts";

/** Decides what to do at a call site, and reports what differs there: once per difference, not per call. */
export function judgeSite(
  { name, entry, manifest }: FrozenSite,
  live: SiteManifest,
  context: FreezeContext,
): DriftAnswer {
  const dynamic = entry.dynamic === true;
  const { verdicts } = memoryOf(context);
  const about = JSON.stringify(comparable(live, dynamic, "hashes"));
  const known = verdicts.get(name);
  if (known?.about === about) return known.answer;
  const differences = differencesBetween(
    comparable(manifest, dynamic, "tools"),
    JSON.parse(JSON.stringify(comparable(live, dynamic, "tools"))),
  );
  const answer = answerFor(name, differences, context);
  verdicts.set(name, { about, answer });
  if (differences.length > 0) reportDrift(name, differences, answer, context);
  return answer;
}

/** Tools by name, so that one more or less does not shift all that follow. */
function comparable(
  { prompt, tools, ...site }: SiteManifest,
  dynamic: boolean,
  depth: "hashes" | "tools",
): Record<string, unknown> {
  return {
    ...site,
    prompt: dynamic ? null : prompt,
    tools: Object.fromEntries(
      tools.map(({ hash, ...tool }) => [tool.name, depth === "hashes" ? hash : tool]),
    ),
    toolOrder: tools.map(({ name }) => name).join(","),
  };
}
