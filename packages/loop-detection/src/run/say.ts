import type { LoopFinding } from "../detectors/finding.ts";
import type { LoopNotice } from "../ladder/message.ts";
import type { LoopContext } from "../options.ts";
import { guarded } from "./guarded.ts";

/** Puts a notice into the user's words where there are any, else into ours. */
export function say(
  { action, finding, text }: Pick<LoopNotice, "action" | "text"> & { finding: LoopFinding },
  context: LoopContext,
): string {
  const { message } = context.live;
  if (message === undefined) return text;
  const { kind, count, tools } = finding;
  const said: unknown = guarded(
    "message",
    message,
    () => text,
    context,
  )({ action, kind, count, tools, text });
  return typeof said === "string" && said.trim() !== "" ? said : text;
}
