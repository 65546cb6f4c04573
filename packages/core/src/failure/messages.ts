import { readEnvelope } from "../tool/envelope.ts";
import { read } from "./chain.ts";
import { verdictByName } from "./codes.ts";
import { NO_FAILURE, decideText, declaredVerdict, unknownOf } from "./decision.ts";
import type { Decision } from "./decision.ts";
import type { Verdict } from "./failure.ts";
import { verdictByText } from "./texts.ts";

/** The type of a message, of LangChain's classes or a plain object; undefined for what is none. */
export function messageKind(value: unknown): string | undefined {
  const getType = read(value, "getType");
  const kind: unknown = typeof getType === "function" ? getType.call(value) : undefined;
  if (typeof kind === "string") return kind;
  if (read(value, "content") === undefined) return undefined;
  const role = read(value, "role") ?? read(value, "type");
  return role === "assistant" ? "ai" : typeof role === "string" ? role : undefined;
}

/** What a message reports: a tool's answer with status `error`, a refusal, a malformed call. */
export function decideMessage(message: unknown, kind: string): Decision {
  const text = contentText(read(message, "content"));
  if (kind === "tool" && read(message, "status") === "error") {
    const envelope = readEnvelope(message);
    if (envelope === undefined) return decideText(text);
    const verdict = declaredVerdict(envelope.details) ?? verdictByName(envelope.code);
    return verdict === undefined
      ? unknownOf(envelope.message)
      : { verdict, text: envelope.message };
  }
  const verdict = kind === "ai" ? verdictByAnswer(message, text) : undefined;
  return { verdict: verdict ?? NO_FAILURE, text };
}

function verdictByAnswer(message: unknown, text: string): Verdict | undefined {
  const facts = read(message, "response_metadata");
  const reason = read(facts, "finish_reason") ?? read(facts, "stop_reason");
  const refusal = read(read(message, "additional_kwargs"), "refusal");
  const refused = typeof refusal === "string" && refusal !== "";
  if (refused || reason === "refusal" || reason === "content_filter" || reason === "SAFETY") {
    return { failureClass: "policy", rule: "refusal" };
  }
  const invalid = read(message, "invalid_tool_calls");
  if (Array.isArray(invalid) && invalid.length > 0) {
    return { failureClass: "contract-violation", rule: "malformed-tool-call" };
  }
  return /^Model call failed after \d+ attempts? with /.test(text)
    ? verdictByText(text)
    : undefined;
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.slice(0, 20).map((block) => read(block, "text"));
  return texts.filter((text) => typeof text === "string").join("\n");
}
