import { uniqueId, writeMemo } from "@evenkeel/core";
import type { AuditStore } from "@evenkeel/core";
import type { RunnableConfig } from "@langchain/core/runnables";

import { ConfigFreezeError } from "./errors.ts";
import { RUN_CHANNEL } from "./run-freeze.ts";
import type { Upgrade } from "./run-freeze.ts";

/** Who moves an execution, and why. */
export interface UpgradeOptions {
  reason: string;
  actor: string;
  /** Keeps the audit row; `evenkeelPostgres(pool)` is one. @default none */
  audit?: AuditStore;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/**
 * Moves a paused execution to today's configuration: its next run freezes anew, reports
 * `execution-upgraded` with reason and actor, and goes on. Durable at once, without a checkpoint.
 *
 * Error behavior: no such execution throws `execution-unknown`; an empty reason or actor
 * `invalid-options`.
 */
export async function upgradeExecution(
  graph: object,
  config: RunnableConfig,
  { reason, actor, audit, clock = Date.now }: UpgradeOptions,
): Promise<void> {
  for (const [option, value] of Object.entries({ reason, actor })) {
    if (typeof value === "string" && value !== "") continue;
    throw new ConfigFreezeError({
      code: "invalid-options",
      message: `upgradeExecution: option "${option}": ${JSON.stringify(value)} came; allowed is a non-empty string. A privileged act says who and why.`,
      details: { option },
    });
  }
  const upgrade: Upgrade = { id: uniqueId(), at: new Date(clock()).toISOString(), actor, reason };
  const { executionId, threadId } = await writeMemo(graph, config, RUN_CHANNEL, { upgrade });
  await audit?.appendAudit({
    v: 1,
    id: upgrade.id,
    at: upgrade.at,
    actor,
    act: "upgrade-execution",
    executionId,
    threadId,
    scope: null,
    reason,
    detail: {},
  });
}
