import { describe, expect, test } from "vitest";

import { EndpointError } from "../src/endpoint/endpoint-error.ts";
import type { LangSmithFeedback } from "../src/langsmith/feedback.ts";
import { checkFilterFields } from "../src/langsmith/filter-fields.ts";
import { matchesFilter } from "../src/langsmith/filter-match.ts";
import { parseFilter } from "../src/langsmith/filter.ts";
import { runOfFields } from "../src/langsmith/run.ts";

const run = runOfFields(
  "run-1",
  "project-1",
  {
    name: 'the "agent"',
    run_type: "llm",
    start_time: "2026-01-15T10:00:00.000001Z",
    end_time: Date.parse("2026-01-15T10:00:02.500Z"),
    error: "TimeoutError: no answer",
    tags: ["evenkeel:flag:loop", "nightly"],
    inputs: { question: "When is high tide?", city: "Oslo", notes: "x".repeat(250) + "hidden" },
    outputs: { answer: "noon" },
    extra: {
      metadata: {
        evenkeel_flag_reason: "loop",
        evenkeel_flag_score: 0.8,
        tenant: "acme",
        thread_id: "thread-1",
        usage_metadata: { input_tokens: 4000, output_tokens: 2000, total_tokens: 6000 },
      },
    },
  },
  {},
);

function feedbackOf(key: string, score: number | null, value: string | null): LangSmithFeedback {
  const time = "2026-01-15T10:00:00.000Z";
  return {
    id: key,
    run_id: "run-1",
    trace_id: "run-1",
    session_id: "project-1",
    key,
    score,
    value,
    correction: null,
    comment: "looks wrong",
    feedback_source: { type: "api" },
    extend_trace_retention: null,
    created_at: time,
    modified_at: time,
  };
}
const feedback = [feedbackOf("needs_review", 1, "loop"), feedbackOf("user_rating", 0, null)];

function matches(text: string): boolean {
  const filter = parseFilter(text);
  checkFilterFields(filter, text);
  return matchesFilter(filter, { run, feedback: () => feedback });
}

describe("a filter that holds", () => {
  test.each([
    'and(has(tags, "evenkeel:flag:loop"), gt(total_tokens, 5000))',
    'and(eq(metadata_key, "evenkeel_flag_reason"), eq(metadata_value, "loop"))',
    'and(eq(feedback_key, "needs_review"), eq(feedback_score, 1))',
    'and(eq(feedback_key,"needs_review"),or(eq(feedback_score,0),eq(feedback_score,1)))',
    `and(eq(metadata_key, 'evenkeel_flag_score'), gte(metadata_value, 0.8))`,
    'and(eq(metadata_key, "evenkeel_flag_score"), eq(metadata_value, "0.8"))',
    'and(eq(metadata_key,"tenant"),eq(metadata_value,"acme"),eq(metadata_key,"thread_id"),eq(metadata_value,"thread-1"))',
    `has(metadata, '{"tenant": "acme", "evenkeel_flag_reason": "loop"}')`,
    'eq(metadata_key, "tenant")',
    'eq(name, "the \\"agent\\"")',
    "eq(name, 'the \"agent\"')",
    "eq(is_root, true)",
    "neq(error, null)",
    'eq(status, "error")',
    'eq(run_type, "llm")',
    'neq(run_type, "chain")',
    "and(gt(latency, 2.4), lt(latency, 2.6), lte(latency, 2.5))",
    "gt(latency, 2)",
    'gt(start_time, "2026-01-15T09:59:59Z")',
    'lt(start_time, "2026-01-15T10:00:01")',
    'gte(start_time, "2026-01-15")',
    'search("HIGH TIDE")',
    'search("no answer")',
    'search(name, "agent")',
    'search(outputs, "noon")',
    'and(eq(input_key, "city"), eq(input_value, "Oslo"))',
    'eq(thread_id, "thread-1")',
    'not(has(tags, "daily"))',
    'or(has(tags, "daily"), and(has(tags, "nightly"), not(eq(error, null))))',
    " and( eq( is_root , true ) )\n",
  ])("%s", (text) => {
    expect(matches(text)).toBe(true);
  });
});

describe("a filter that does not hold", () => {
  test.each([
    'has(tags, "evenkeel:flag")',
    "gt(total_tokens, 6000)",
    'and(eq(metadata_key, "tenant"), eq(metadata_value, "loop"))',
    'and(eq(feedback_key, "user_rating"), eq(feedback_score, 1))',
    'and(eq(feedback_key, "user_rating"), or(eq(feedback_score, 1), eq(feedback_value, "loop")))',
    'and(eq(metadata_key,"tenant"),eq(metadata_value,"acme"),eq(metadata_key,"thread_id"),eq(metadata_value,"acme"))',
    `has(metadata, '{"tenant": "other"}')`,
    `has(metadata, 'tenant')`,
    "eq(error, null)",
    "eq(is_root, false)",
    "gt(name, 5)",
    "lt(latency, 2.5)",
    'lt(start_time, "2026-01-15")',
    'search("hidden")',
    "eq(parent_run_id, false)",
    'not(search("tide"))',
  ])("%s", (text) => {
    expect(matches(text)).toBe(false);
  });
});

describe("a filter that is none", () => {
  test.each([
    ["", "expected a function"],
    ["eq", 'expected "("'],
    ["eq(name)", 'expected ","'],
    ['eq(name, "a"', 'expected ")", found "the end" at 12'],
    ['eq(name, "a', "cannot be read at 8"],
    ['eq(name, "a") eq', 'unexpected "eq"'],
    ["eq(name, other)", 'expected a value, found "other"'],
    ["eq(5, 5)", 'expected a field, found "5"'],
    ["and()", "expected a function"],
    ['near(name, "a")', 'unknown function "near", allowed: and, or, not, eq'],
    ['eq(colour, "red")', 'names "colour" in eq, allowed: id,'],
    ['has(name, "a")', 'names "name" in has, allowed: tags, metadata'],
    ['eq(constructor, "a")', 'names "constructor"'],
    ["name = 5", "cannot be read at 4"],
  ])("%s is a coded error that says %s", (text, message) => {
    let thrown: unknown;
    try {
      matches(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(EndpointError);
    expect(thrown).toMatchObject({
      code: "filter-invalid",
      status: 400,
      message: expect.stringContaining(message),
    });
  });
});
