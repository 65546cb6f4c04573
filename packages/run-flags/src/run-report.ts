import type { RunOutcome } from "./run-facts.ts";
import type { AnswerShape } from "./shape/answer-shape.ts";
import type { RequestShape } from "./shape/request-shape.ts";

/** One call as a run record keeps it: no argument and no result, only what rules compare. */
export interface RecordedCall {
  /** Index among the run's calls, from 0. */
  step: number;
  tool: string;
  /** Index of the model's reply in the message list. */
  message: number;
  /** Hash of tool and arguments. */
  call: string;
  /** Hash of the answer. */
  answer: string;
  /** It has an answer. */
  answered: boolean;
  /** It has an answer and did not fail. */
  ok: boolean;
  known: boolean;
  valid: boolean;
  /** The answer holds nothing: blank, `[]`, `{}`, `null` or "no … found". */
  empty: boolean;
  /** Size of the answer in characters. */
  size: number;
  /** Hashes of what it was called with, at most 24. */
  facts: string[];
  /** First words of the error, cut to 160 characters; null where the call succeeded. */
  error: string | null;
}

/** One tool's calls. */
export interface ToolUse {
  calls: number;
  failed: number;
  /** Hashes of the field names its results had, at most 64. */
  fields: string[];
}

/** What is kept of an execution for review, as plain JSON of at most about 100 KB. */
export interface RunReport {
  v: 1;
  executionId: string;
  threadId: string | null;
  scope: string;
  graph: string | null;
  manifestHash: string | null;
  /** Hash of the offered tools' names, of the used ones where the offer is unknown. */
  toolSetHash: string;
  mode: "live" | "replay" | "eval";
  outcome: RunOutcome;
  startedAt: string;
  endedAt: string;
  latencyMs: number;
  attempts: number;
  resumes: number;
  modelCalls: number;
  toolCalls: number;
  failedCalls: number;
  tokens: { input: number; output: number } | null;
  costUsd: number | null;
  /** Characters of everything the model read and wrote, where tokens are not counted. */
  characters: number;
  request: RequestShape;
  /** User messages of the thread so far: in a conversation an answer sounds otherwise. */
  requests: number;
  answer: AnswerShape;
  /** The first 120 and the last 80 calls. */
  calls: RecordedCall[];
  /** At most 64 tools. */
  tools: Record<string, ToolUse>;
  offered: string[] | null;
  /** The answer that fills most of the conversation: its share, tool and call index. */
  largestResult: { share: number; tool: string; step: number; size: number } | null;
  loop: { kind: string; rounds: number; action: string; step: number } | null;
  /** How often what other middleware reported came, by the event's name; at most 48 names. */
  events: Record<string, number>;
  offloads: number;
  effects: number;
  /** Tools whose effect is of unknown fate, at most 32. */
  unknownEffects: string[];
  /** What a circuit breaker was opened for, at most 32. */
  breakers: string[];
  budgetSpent: number | null;
  budget: string | null;
  drift: string[];
  error: { code: string; message: string; failureClass: string | null } | null;
}
