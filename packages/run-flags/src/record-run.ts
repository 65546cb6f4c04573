import { redactText } from "@evenkeel/core";

import type { RunCall, RunFacts, RunTurn } from "./run-facts.ts";
import type { RecordedCall, RunReport, ToolUse } from "./run-report.ts";
import { answerShape } from "./shape/answer-shape.ts";
import { callFacts } from "./shape/call-facts.ts";
import { factOf } from "./shape/fact.ts";
import { requestShape } from "./shape/request-shape.ts";
import { resultFields } from "./shape/result-fields.ts";
import { type Vocabulary, createVocabulary } from "./shape/vocabulary.ts";

const firstCalls = 120;
const lastCalls = 80;
const maxTools = 64;
const maxFields = 64;
const scanLimit = 40_000;

/** Condenses a finished execution into its record. */
export function recordRun(facts: RunFacts): RunReport {
  const calls = recordCalls(facts);
  const tools = countTools(calls, facts);
  const answer = finalTurn(facts.turns);
  const characters = countCharacters(facts);
  const request = facts.requests.map(({ text }) => text).join("\n");
  return {
    v: 1,
    executionId: facts.executionId,
    threadId: facts.threadId ?? null,
    scope: facts.scope ?? "",
    graph: facts.graph ?? null,
    manifestHash: facts.manifestHash ?? null,
    toolSetHash: factOf(
      (facts.offered ?? Object.keys(tools)).toSorted().join("\n").slice(0, 4_000),
    ),
    mode: facts.mode ?? "live",
    outcome: facts.outcome,
    startedAt: facts.startedAt,
    endedAt: facts.endedAt,
    latencyMs: latency(facts),
    attempts: facts.attempts ?? 1,
    resumes: facts.resumes ?? 0,
    modelCalls: facts.turns.length,
    toolCalls: calls.length,
    failedCalls: calls.filter((call) => !call.ok).length,
    tokens: facts.tokens ?? null,
    costUsd: facts.costUsd ?? null,
    characters,
    request: requestShape(request, () => usedWords(facts)),
    requests: facts.requests.length + (facts.earlierRequests ?? 0),
    answer: answerShape(answer?.text, facts.offered ?? Object.keys(tools), answer?.cutShort),
    calls:
      calls.length <= firstCalls + lastCalls
        ? calls
        : [...calls.slice(0, firstCalls), ...calls.slice(-lastCalls)],
    tools,
    offered: facts.offered === undefined ? null : [...facts.offered].slice(0, 128),
    largestResult: largestResult(calls, characters),
    loop: facts.loop ?? null,
    events: { ...facts.events },
    offloads: facts.offloads ?? 0,
    effects: facts.effects ?? 0,
    unknownEffects: [...(facts.unknownEffects ?? [])].slice(0, 32),
    breakers: [...(facts.breakers ?? [])].slice(0, 32),
    budgetSpent: facts.budgetSpent ?? null,
    budget: facts.budget?.slice(0, 120) ?? null,
    drift: [...(facts.drift ?? [])].slice(0, 32),
    error:
      facts.error === undefined
        ? null
        : {
            code: facts.error.code,
            message: redactText(facts.error.message.slice(0, 1_000)).slice(0, 300),
            failureClass: facts.error.failureClass ?? null,
          },
  };
}

function recordCalls(facts: RunFacts): RecordedCall[] {
  return facts.turns
    .flatMap((turn, index) => turn.calls.map((call) => ({ call, message: turn.message ?? index })))
    .map(({ call, message }, step) => recordCall(call, message, step));
}

function recordCall(call: RunCall, message: number, step: number): RecordedCall {
  const text = argumentText(call.arguments);
  const result = call.result ?? "";
  const failed = call.failed ?? false;
  return {
    step,
    tool: call.tool.slice(0, 128),
    message,
    call: factOf(`${call.tool} ${text.length} ${text.slice(0, 100)} ${text.slice(-100)}`),
    answer: factOf(`${result.length} ${result.slice(0, 60)}${result.slice(-60)}`),
    answered: call.result !== undefined,
    ok: !failed && call.result !== undefined,
    known: call.known ?? true,
    valid: call.valid ?? true,
    empty: !failed && saysNothing(result),
    size: result.length,
    facts: callFacts(call.tool, call.arguments),
    // Cut after it was redacted: half a secret is no secret to a pattern.
    error: failed ? redactText(result.slice(0, 1_000)).slice(0, 160) : null,
  };
}

function saysNothing(result: string): boolean {
  const text = result.trim();
  if (text.length > 200) return false;
  return (
    /^(?:\[\s*\]|\{\s*\}|null|none|"")?$/i.test(text) ||
    /\bno (?:\w+ ){0,3}found\b|\bnot found\b|\bno results?\b/i.test(text)
  );
}

function countTools(calls: readonly RecordedCall[], { turns }: RunFacts): Record<string, ToolUse> {
  const tools = new Map<string, ToolUse>();
  const results = turns.flatMap((turn) => turn.calls);
  for (const [index, call] of calls.entries()) {
    const use = tools.get(call.tool) ?? { calls: 0, failed: 0, fields: [] };
    if (!tools.has(call.tool) && tools.size >= maxTools) continue;
    const fields =
      call.ok && use.fields.length < maxFields ? resultFields(results[index]?.result ?? "") : [];
    tools.set(call.tool, {
      calls: use.calls + 1,
      failed: use.failed + (call.ok ? 0 : 1),
      fields: [...new Set([...use.fields, ...fields])].slice(0, maxFields),
    });
  }
  return Object.fromEntries(tools);
}

function finalTurn(turns: readonly RunTurn[]): RunTurn | undefined {
  const last = turns.at(-1);
  return last === undefined || last.calls.length > 0 ? undefined : last;
}

function usedWords(facts: RunFacts): Vocabulary {
  const used = createVocabulary();
  // What an earlier attempt tried was not passed over.
  for (const turn of [...(facts.undone ?? []), ...facts.turns]) {
    used.add(turn.text.slice(0, scanLimit));
    for (const call of turn.calls) used.add(argumentText(call.arguments).slice(0, scanLimit));
  }
  return used;
}

function countCharacters(facts: RunFacts): number {
  let total = 0;
  for (const request of facts.requests) total += request.text.length;
  for (const turn of facts.turns) {
    total += turn.text.length;
    for (const call of turn.calls) total += (call.result ?? "").length;
  }
  return total;
}

function largestResult(
  calls: readonly RecordedCall[],
  characters: number,
): RunReport["largestResult"] {
  let largest = -1;
  for (const [index, call] of calls.entries()) {
    if (call.size > (calls[largest]?.size ?? 0)) largest = index;
  }
  const call = calls[largest];
  if (call === undefined) return null;
  return {
    share: call.size / Math.max(1, characters),
    tool: call.tool,
    step: largest,
    size: call.size,
  };
}

function latency(facts: RunFacts): number {
  const span = Date.parse(facts.endedAt) - Date.parse(facts.startedAt);
  // A clock that was set back must not make a run that took negative time.
  return Number.isFinite(span) ? Math.max(0, span) : 0;
}

function argumentText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    // Cyclic arguments and big integers come from models and callers alike; the record goes on.
    return "[unreadable]";
  }
}
