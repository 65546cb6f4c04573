import { verdictByName, verdictByStatus } from "./codes.ts";
import type { Verdict } from "./failure.ts";

/** Only the head of a text is looked at: what failed stands there, and a tool's output may be long. */
const LOOKED_AT = 4_000;

type TextRule = readonly [
  pattern: RegExp,
  verdict: (found: RegExpExecArray) => Verdict | undefined,
];

const named = (name: string) => (): Verdict | undefined => verdictByName(name);

/** What providers say in words only; it is more than their status tells. */
const REFUSALS: readonly TextRule[] = [
  [
    /insufficient_quota|exceeded your current quota|credit balance is too low|billing hard limit/gi,
    named("insufficient_quota"),
  ],
  [
    /context_length_exceeded|maximum context length|exceeds the context window|prompt is too long|input tokens exceed/gi,
    named("context_length_exceeded"),
  ],
  [
    /content_filter|content management policy|content_policy_violation|rejected (?:as a result of|by) (?:our|the) (?:safety system|content filter)/gi,
    named("content_filter"),
  ],
];

/** Sentences of LangGraph, LangChain and common clients that leave no doubt. */
const SENTENCES: readonly TextRule[] = [
  [/^(?:Error: )?[^\n]{1,300} is not a valid tool, try one of \[/g, named("unknown-tool")],
  [/^(?:Error: )?Tool "[^"\n]{1,300}" not found\./g, named("unknown-tool")],
  [/Received tool input did not match expected schema/g, named("ToolInputParsingException")],
  [
    /^(?:\w*Error: )?Failed to parse structured output for tool '/g,
    named("StructuredOutputParsingError"),
  ],
  [/^(?:\w*Error: )?Recursion limit of \d+ reached/g, named("GraphRecursionError")],
  [/^Tool call limit exceeded\. Do not /g, named("ToolCallLimitExceededError")],
  [
    /^User rejected the tool call for `/g,
    () => ({ failureClass: "policy", rule: "rejected-by-person" }),
  ],
  [
    /^Tool '[^'\n]{1,300}' failed after \d+ attempts? with \w+/g,
    () => ({ failureClass: "tool-exhaustion", rule: "tool-retries-spent" }),
  ],
  [/(?:^|\n)(\$?[A-Z]\w{0,60}(?:Error|Exception)): /g, (found) => verdictByName(found[1])],
  [/\b(E[A-Z]{4,13}|UND_ERR_[A-Z_]{4,20})\b/g, (found) => verdictByName(found[1])],
  [
    /(?:^|Error: )([45]\d\d) (?:[A-Z"{]|status code)/g,
    (found) => verdictByStatus(Number(found[1])),
  ],
  [/\bstatus(?: code)?:? ([45]\d\d)\b/gi, (found) => verdictByStatus(Number(found[1]))],
  [
    /\b(?:connection|request|read|operation|query|deadline) (?:has )?(?:timeout|timed out)\b|\btimed out after\b|\btimeout (?:of \d+ ?ms )?exceeded\b/gi,
    named("TimeoutError"),
  ],
  [
    /\bsocket hang up\b|\bfetch failed\b|\bconnection (?:was )?(?:terminated|reset|closed|refused)\b/gi,
    named("ECONNRESET"),
  ],
  [
    /\btoo many requests\b|\brate limit (?:was )?(?:exceeded|reached)\b|\brate[- ]limited\b/gi,
    named("rate_limit_exceeded"),
  ],
  [
    /^(?:\w*Error: )?Model call failed after \d+ attempts? with /g,
    () => ({ failureClass: "retry-budget-overflow", rule: "model-retries-spent" }),
  ],
];

/** What the words of a provider's refusal say beyond its status. */
export function verdictByRefusal(text: string): Verdict | undefined {
  return firstVerdict(text, REFUSALS);
}

/** What the words of a failure say, where they are of a known form; stack lines are not read. */
export function verdictByText(text: string): Verdict | undefined {
  return firstVerdict(text, REFUSALS) ?? firstVerdict(text, SENTENCES);
}

function firstVerdict(text: string, rules: readonly TextRule[]): Verdict | undefined {
  const head = text.slice(0, LOOKED_AT).replaceAll(/^ {2,}at [^\n]*$/gm, "");
  for (const [pattern, decide] of rules) {
    for (const found of head.matchAll(pattern)) {
      const verdict = decide(found);
      if (verdict !== undefined) return verdict;
    }
  }
  return undefined;
}
