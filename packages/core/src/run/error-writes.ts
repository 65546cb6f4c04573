import type { LoopParameters } from "../graph/compiled-graph.ts";
import { redactText } from "../redact/secret-text.ts";

/**
 * Masks the secrets in an error's text where LangGraph writes it down for a failed task, in the
 * checkpoint and in the streams that show tasks. The error that is thrown stays what it was: node
 * retries, error handlers and the caller see it whole.
 */
export function maskErrorWrites(loop: LoopParameters["loop"]): void {
  const put = loop.putWrites.bind(loop);
  loop.putWrites = (taskId, writes) => put(taskId, writes.map(masked));
}

type Write = [channel: string, value: unknown];

function masked(write: Write): Write {
  const [channel, value] = write;
  if (channel !== "__error__" || typeof value !== "object" || value === null) return write;
  const { message }: { message?: unknown } = value;
  if (typeof message !== "string") return write;
  const text = redactText(message);
  return text === message ? write : [channel, { ...value, message: text }];
}
