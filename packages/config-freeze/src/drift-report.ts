import { reportable } from "./drift.ts";
import type { Difference } from "./drift.ts";
import { ConfigFreezeError } from "./errors.ts";
import type { DriftAnswer, FreezeContext } from "./options.ts";

/** Says once what differs; throws where drift is an error. */
export function reportDrift(
  where: string,
  differences: readonly Difference[],
  answer: DriftAnswer,
  context: FreezeContext,
): void {
  const fields = [...new Set(differences.map(({ field }) => field.replaceAll(/\[\d+\]/g, "[]")))];
  context.emit("config-drifted", {
    severity: "medium",
    failure: "environment-drift",
    detail: { where, answer, ...(reportable(differences) as object) },
  });
  const known = (context.memory.get("drift") as string[] | undefined) ?? [];
  const all = [...new Set([...known, ...fields])].slice(0, 20);
  context.memory.set("drift", all);
  context.annotate({ metadata: { evenkeel_config_drift: all.join(",") } });
  if (answer !== "error") return;
  throw new ConfigFreezeError({
    code: "config-drifted",
    middleware: "configFreezeMiddleware",
    message: `The live configuration of "${where}" differs from the frozen one in ${fields.slice(0, 5).join(", ")}. Deploy what this execution was frozen to, or move it with upgradeExecution().`,
    details: { where, fields },
  });
}

/** What the user wants done about differences. */
export function answerFor(
  where: string,
  differences: readonly Difference[],
  { options: { onDrift = "use-frozen" } }: FreezeContext,
): DriftAnswer {
  if (typeof onDrift !== "function") return onDrift;
  return differences.length === 0 ? "use-frozen" : onDrift({ where, differences });
}
