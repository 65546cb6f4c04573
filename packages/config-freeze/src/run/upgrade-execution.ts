import { uniqueId, writeMemo } from "@evenkeel/core";
import type { AuditStore, MemoSubject } from "@evenkeel/core";
import type { RunnableConfig } from "@langchain/core/runnables";

import { ConfigFreezeError } from "../errors.ts";
import { RUN_CHANNEL, UPGRADE } from "./run-freeze.ts";

/** Who moves an execution, and why. */
export interface UpgradeOptions {
  reason: string;
  actor: string;
  /** Keeps the audit row; `evenkeelPostgres(pool)` is one. @default none */
  audit?: AuditStore;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/** An upgrade that waits to be carried out, or was; its id says which of two came later. */
export interface Upgrade {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly reason: string;
}

/**
 * Moves an execution to today's configuration: its next run freezes anew, reports
 * `execution-upgraded` with reason and actor, and goes on. Durable at once, without a checkpoint; a
 * run that is under way ends as it began.
 *
 * Error behavior: no such execution throws `execution-unknown`; an empty reason or actor
 * `invalid-options`; where the audit row cannot be written, nothing is upgraded.
 *
 * @example
 * ```ts
 * await upgradeExecution(agent, { configurable: { thread_id } }, { reason: "prompt fixed", actor: "ada" });
 * ```
 */
export async function upgradeExecution(
  graph: object,
  config: RunnableConfig,
  options: UpgradeOptions,
): Promise<void> {
  assertUpgrade(options);
  const { reason, actor, audit, clock = Date.now } = options;
  const upgrade: Upgrade = { id: uniqueId(), at: new Date(clock()).toISOString(), actor, reason };
  const record = async ({ executionId, threadId }: MemoSubject): Promise<void> =>
    audit?.appendAudit({
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
  await writeMemo(graph, config, RUN_CHANNEL, { [`${UPGRADE}${upgrade.id}`]: upgrade }, record);
}

function assertUpgrade(options: UpgradeOptions): void {
  const { reason, actor, audit } = options ?? {};
  for (const [option, value] of Object.entries({ reason, actor })) {
    if (typeof value === "string" && value !== "") continue;
    refuse(option, value, "a non-empty string. A privileged act says who and why");
  }
  if (audit !== undefined && typeof audit?.appendAudit !== "function") {
    refuse("audit", audit, "an AuditStore, such as evenkeelPostgres(pool)");
  }
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new ConfigFreezeError({
    code: "invalid-options",
    message: `upgradeExecution: option "${option}": ${JSON.stringify(came) ?? typeof came} came; allowed is ${allowed}.`,
    details: { option },
  });
}
