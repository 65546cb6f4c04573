import { isGraphBubbleUp } from "@langchain/langgraph";

import { within } from "../backoff.ts";
import { FailureRetryError } from "../errors.ts";
import type { FailureRetryErrorCode } from "../errors.ts";
import type { FinalAnswer, StandardProps, Verify } from "../options.ts";

/** Why an answer does not do, as an error; undefined where it passed. */
export async function verifyAnswer(
  verify: Verify,
  answer: FinalAnswer,
  timeoutMs: number,
  name: string,
): Promise<FailureRetryError | undefined> {
  const refuse = (code: FailureRetryErrorCode, message: string, cause?: unknown) =>
    new FailureRetryError({
      code,
      middleware: name,
      message,
      cause,
      ...(code === "answer-rejected" ? { details: { failureClass: "contract-violation" } } : {}),
    });
  let verdict: unknown;
  try {
    verdict = await within(
      timeoutMs,
      () => (typeof verify === "function" ? verify(answer) : bySchema(verify["~standard"], answer)),
      () => new Error(`it took longer than ${timeoutMs} ms`),
    );
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return refuse("verify-failed", `\`verify\` came to no verdict: ${why}`, error);
  }
  if (verdict === true || (isVerdict(verdict) && verdict.pass)) return undefined;
  const reason = typeof verdict === "string" ? verdict : isVerdict(verdict) ? verdict.reason : "";
  if (verdict === false || typeof verdict === "string" || isVerdict(verdict)) {
    const because = reason === undefined || reason === "" ? "" : `: ${reason}`;
    return refuse("answer-rejected", `The final answer was rejected${because}`);
  }
  return refuse(
    "verify-invalid",
    `\`verify\` gave ${verdict === null ? "null" : typeof verdict}; allowed are true, false, a reason, or { pass, reason }.`,
  );
}

function isVerdict(value: unknown): value is { pass: boolean; reason?: string } {
  const verdict = value as { pass?: unknown; reason?: unknown } | null;
  return (
    typeof verdict === "object" &&
    typeof verdict?.pass === "boolean" &&
    ["string", "undefined"].includes(typeof verdict.reason)
  );
}

async function bySchema(schema: StandardProps, answer: FinalAnswer): Promise<true | string> {
  const { issues } = await schema.validate(subject(answer));
  if (issues === undefined) return true;
  return issues.map(({ message }) => message).join("; ") || "it does not fit the schema";
}

function subject({ output, text }: FinalAnswer): unknown {
  const structured = (output as { structuredResponse?: unknown } | null)?.structuredResponse;
  if (structured !== undefined) return structured;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
