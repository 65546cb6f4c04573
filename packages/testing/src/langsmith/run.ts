import { type JsonRecord, numberOf, recordOf, textOf, textsOf } from "./json-record.ts";
import type { RunAttachment } from "./operations.ts";

/** A run as LangSmith shows it once everything sent about it is merged. */
export interface LangSmithRun {
  readonly id: string;
  readonly trace_id: string;
  readonly parent_run_id?: string;
  readonly dotted_order: string;
  readonly session_id: string;
  readonly name: string;
  readonly run_type: string;
  readonly start_time: string;
  /** Absent while the run has not ended. */
  readonly end_time?: string;
  readonly status: "success" | "error" | "pending";
  readonly error?: string;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly events: readonly unknown[];
  readonly tags: readonly string[];
  readonly extra: JsonRecord;
  /** `extra.metadata`. */
  readonly metadata: JsonRecord;
  /** The metadata's `thread_id`, `session_id` or `conversation_id`. */
  readonly thread_id?: string;
  readonly serialized?: unknown;
  readonly reference_example_id?: string;
  /** Own tokens of a model call; of any other run, those of the runs below it. */
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly attachments: Readonly<Record<string, RunAttachment>>;
}

/** Counts of tokens and money. */
export interface RunUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly total_cost: number;
}

/** Makes a run of the merged fields; its usage is its own, before that of runs below is added. */
export function runOfFields(
  id: string,
  sessionId: string,
  fields: JsonRecord,
  attachments: Readonly<Record<string, RunAttachment>>,
): LangSmithRun {
  const extra = recordOf(fields["extra"]);
  const metadata = recordOf(extra["metadata"]);
  const endTime = timeOf(fields["end_time"]);
  const error = textOf(fields["error"]);
  const parent = textOf(fields["parent_run_id"]);
  const thread = ["thread_id", "session_id", "conversation_id"]
    .map((key) => textOf(metadata[key]))
    .find((name) => name !== undefined);
  const example = textOf(fields["reference_example_id"]);
  const started = timeOf(fields["start_time"]) ?? new Date(0).toISOString();
  const unfinished = endTime === undefined ? "pending" : "success";
  return {
    id,
    trace_id: textOf(fields["trace_id"]) ?? id,
    ...(parent === undefined ? {} : { parent_run_id: parent }),
    dotted_order: textOf(fields["dotted_order"]) ?? `${started}${id}`,
    session_id: sessionId,
    name: textOf(fields["name"]) ?? "",
    run_type: textOf(fields["run_type"]) ?? "chain",
    start_time: started,
    ...(endTime === undefined ? {} : { end_time: endTime }),
    status: error === undefined ? unfinished : "error",
    ...(error === undefined ? {} : { error }),
    inputs: fields["inputs"] ?? {},
    outputs: fields["outputs"],
    events: Array.isArray(fields["events"]) ? fields["events"] : [],
    tags: textsOf(fields["tags"]),
    extra,
    metadata,
    ...(thread === undefined ? {} : { thread_id: thread }),
    ...("serialized" in fields ? { serialized: fields["serialized"] } : {}),
    ...(example === undefined ? {} : { reference_example_id: example }),
    ...usageOf(metadata, recordOf(fields["outputs"])),
    attachments,
  };
}

function usageOf(metadata: JsonRecord, outputs: JsonRecord): RunUsage {
  const usage = recordOf(metadata["usage_metadata"] ?? outputs["usage_metadata"]);
  const legacy = recordOf(recordOf(outputs["llmOutput"])["tokenUsage"]);
  const prompt = numberOf(usage["input_tokens"]) ?? numberOf(legacy["promptTokens"]) ?? 0;
  const completion = numberOf(usage["output_tokens"]) ?? numberOf(legacy["completionTokens"]) ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: numberOf(usage["total_tokens"]) ?? prompt + completion,
    total_cost: numberOf(usage["total_cost"]) ?? 0,
  };
}

/** Start and end come as texts or as epoch milliseconds; a text keeps its microseconds. */
function timeOf(value: unknown): string | undefined {
  if (typeof value === "number") return new Date(value).toISOString();
  return textOf(value);
}

/** How long a run took, in milliseconds; `undefined` while it has not ended. */
export function runDurationMs(run: {
  readonly start_time?: string | number | undefined;
  readonly end_time?: string | number | undefined;
}): number | undefined {
  const { start_time: start, end_time: end } = run;
  if (start === undefined || end === undefined) return undefined;
  const durationMs = new Date(end).getTime() - new Date(start).getTime();
  return Number.isFinite(durationMs) ? durationMs : undefined;
}
