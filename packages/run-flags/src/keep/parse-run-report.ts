import { EvenkeelError } from "@evenkeel/core";
import { z } from "zod";

import type { RunReport } from "../run-report.ts";

const count = z.number().int().min(0);

const schema: z.ZodType<RunReport> = z.object({
  v: z.literal(1),
  executionId: z.string(),
  threadId: z.string().nullable(),
  scope: z.string(),
  graph: z.string().nullable(),
  manifestHash: z.string().nullable(),
  toolSetHash: z.string(),
  mode: z.enum(["live", "replay", "eval"]),
  outcome: z.enum(["completed", "interrupted", "failed", "aborted", "superseded", "died"]),
  startedAt: z.string(),
  endedAt: z.string(),
  latencyMs: z.number().min(0),
  attempts: count,
  resumes: count,
  modelCalls: count,
  toolCalls: count,
  failedCalls: count,
  tokens: z.object({ input: z.number(), output: z.number() }).nullable(),
  costUsd: z.number().nullable(),
  characters: count,
  request: z.object({
    characters: count,
    parts: count,
    intents: z.array(
      z.enum(["send", "create", "remove", "change", "invite", "share", "post", "pay"]),
    ),
    mentioned: count,
    unused: count,
  }),
  requests: count,
  answer: z.object({
    given: z.boolean(),
    characters: count,
    asks: z.boolean(),
    refuses: z.boolean(),
    promises: z.boolean(),
    callsInText: z.boolean(),
    breaksOff: z.boolean(),
    cutShort: z.enum(["length", "filter"]).nullable().default(null),
    facts: z.array(z.string()),
  }),
  calls: z.array(
    z.object({
      step: count,
      tool: z.string(),
      message: count,
      call: z.string(),
      answer: z.string(),
      answered: z.boolean(),
      ok: z.boolean(),
      known: z.boolean(),
      valid: z.boolean(),
      empty: z.boolean(),
      size: count,
      facts: z.array(z.string()),
      error: z.string().nullable(),
    }),
  ),
  tools: z.record(
    z.string(),
    z.object({ calls: count, failed: count, fields: z.array(z.string()).default([]) }),
  ),
  offered: z.array(z.string()).nullable(),
  largestResult: z
    .object({ share: z.number(), tool: z.string(), step: count, size: count })
    .nullable(),
  loop: z.object({ kind: z.string(), rounds: count, action: z.string(), step: count }).nullable(),
  events: z.record(z.string(), count).default({}),
  offloads: count,
  effects: count,
  unknownEffects: z.array(z.string()).default([]),
  breakers: z.array(z.string()).default([]),
  budgetSpent: z.number().nullable(),
  budget: z.string().nullable().default(null),
  drift: z.array(z.string()),
  error: z
    .object({ code: z.string(), message: z.string(), failureClass: z.string().nullable() })
    .nullable(),
});

/**
 * Reads a stored run record. One of a later version or with a damaged shape is refused with a code
 * that names what is wrong, so that a rule never judges half a record.
 */
export function parseRunReport(value: unknown): RunReport {
  const version = typeof value === "object" && value !== null && "v" in value ? value.v : undefined;
  if (version !== 1) {
    throw new EvenkeelError({
      code: "run-report-version",
      message: `A run record of version ${String(version)} came; this release reads version 1. Upgrade @evenkeel/run-flags to read newer ones.`,
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new EvenkeelError({
    code: "run-report-damaged",
    message: `A run record is damaged at "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "unknown"}. It was left out.`,
  });
}
