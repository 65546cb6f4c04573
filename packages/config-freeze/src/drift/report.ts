import { ConfigFreezeError } from "../errors.ts";
import { isDriftAnswer } from "../options.ts";
import type { DriftAnswer, FreezeContext } from "../options.ts";
import { memoryOf } from "../run/run-memory.ts";
import { reportable } from "./drift.ts";
import type { Difference } from "./drift.ts";

/** How many fields the trace names. */
const MAXIMUM_FIELDS = 20;

/** What the user wants done about differences; asked where there are some. */
export function answerFor(
  where: string,
  differences: readonly Difference[],
  { options: { onDrift } }: FreezeContext,
): DriftAnswer {
  if (typeof onDrift !== "function") return onDrift;
  if (differences.length === 0) return "use-frozen";
  const answer: unknown = onDrift({ where, differences });
  if (isDriftAnswer(answer)) return answer;
  throw new ConfigFreezeError({
    code: "invalid-options",
    message: `onDrift() answered ${JSON.stringify(answer) ?? typeof answer} for "${where}"; allowed is "use-frozen", "warn" or "error".`,
    details: { option: "onDrift", where },
  });
}

/** Says what differs, in an event and on the trace's root; throws where drift is an error. */
export function reportDrift(
  where: string,
  differences: readonly Difference[],
  answer: DriftAnswer,
  context: FreezeContext,
): void {
  context.emit("config-drifted", {
    severity: "medium",
    failure: "environment-drift",
    detail: { where, answer, ...reportable(differences) },
  });
  const { drifted } = memoryOf(context);
  const fields = new Set(differences.map(({ field }) => field.replaceAll(/\[\d+\]/g, "[]")));
  for (const field of fields) drifted.add(field);
  const named = [...drifted].slice(0, MAXIMUM_FIELDS);
  context.annotate({ metadata: { evenkeel_config_drift: named.join(",") } });
  if (answer !== "error") return;
  throw new ConfigFreezeError({
    code: "config-drifted",
    middleware: context.live.name,
    message: `The live configuration of "${where}" differs from the frozen one in ${[...fields].slice(0, 5).join(", ")}. Deploy what this execution was frozen to, or move it with upgradeExecution().`,
    details: { where, fields: [...fields] },
  });
}
