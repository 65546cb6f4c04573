import type { CheckpointTuple } from "@langchain/langgraph";
import { isCommand } from "@langchain/langgraph";

import type { StreamOptions } from "../graph/compiled-graph.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import { v7 } from "../store/ids.ts";
import { defaultScope, derivedExecutionId } from "./execution.ts";
import type { ExecutionInfo } from "./execution.ts";

/** What a checkpoint says of the execution it belongs to. */
export interface Identity {
  id?: string;
  attempt?: number;
  startedAt?: string;
  sequence?: number;
  manifestHash?: string;
  trace?: string;
  /** Id of the execution's first checkpoint. */
  first?: string;
  /** Id of the checkpoint at which the user's first nodes run. */
  begin?: string;
}

interface IdentitySources {
  readonly known: Identity;
  readonly continues: boolean;
  readonly threadId: string | null;
  readonly configurable: Readonly<Record<string, unknown>>;
  readonly messages: unknown;
}

/** Who a run is: a new execution, or the one its checkpoint holds. */
export function identify(plan: SeamPlan, sources: IdentitySources): ExecutionInfo {
  const { known, continues, threadId, configurable, messages } = sources;
  const { createId = v7, clock = Date.now, scope = defaultScope } = plan.options;
  const shared = { threadId, scope: scope({ configurable }) };
  if (continues && typeof known.id === "string") {
    return {
      ...shared,
      id: known.id,
      attempt: known.attempt ?? 1,
      startedAt: known.startedAt ?? new Date(clock()).toISOString(),
      isNew: false,
      manifestHash: known.manifestHash ?? null,
      derived: false,
    };
  }
  return {
    ...shared,
    // A thread that was in flight before Evenkeel came: nothing holds an identity, so it is derived.
    id: continues ? derivedExecutionId(shared.scope, messages) : createId(),
    attempt: 1,
    startedAt: new Date(clock()).toISOString(),
    isNew: !continues,
    manifestHash: null,
    derived: continues,
  };
}

/** Continue whenever LangGraph itself would: no input, a Command, a nested resume, a re-run job. */
export function resumes(
  input: unknown,
  options: StreamOptions,
  configurable: Readonly<Record<string, unknown>>,
  tuple: CheckpointTuple,
): boolean {
  if (input === null || input === undefined || isCommand(input)) return true;
  if (configurable["__pregel_resuming"] === true) return true;
  const runId = options.metadata?.["run_id"];
  return (
    runId !== undefined && (tuple.metadata as { run_id?: unknown } | undefined)?.run_id === runId
  );
}
