import type { SiteManifest } from "../manifest/shape.ts";
import { sameModel } from "../parts/model.ts";
import { sameJson } from "../plain-json.ts";

/** True where two sites make the same calls, their prompts aside where those change anyway. */
export function sameSite(one: SiteManifest, other: SiteManifest, dynamic: boolean): boolean {
  return (
    sameModel(one.model, other.model) &&
    sameTools(one, other) &&
    (dynamic || sameJson(one.prompt, other.prompt)) &&
    sameJson(one.settings, other.settings) &&
    sameJson(one.toolChoice, other.toolChoice) &&
    sameJson(one.responseFormat, other.responseFormat)
  );
}

/** True where two sites offer the same tools in the same order. */
export function sameTools(one: SiteManifest, other: SiteManifest): boolean {
  return (
    one.tools.length === other.tools.length &&
    one.tools.every(({ hash }, index) => hash === other.tools[index]?.hash)
  );
}
