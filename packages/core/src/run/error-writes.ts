import type { LoopParameters } from "../graph/compiled-graph.ts";
import { redactText } from "../redact/secret-text.ts";

/**
 * Masks the secrets in an error's text where LangGraph writes it down for a failed task, in the
 * checkpoint and in the streams that show tasks. The error that is thrown stays what it was: node
 * retries, error handlers and the caller see it whole.
 */
export function maskErrorWrites(loop: LoopParameters["loop"]): void {
  const put = loop.putWrites.bind(loop);
  // LangGraph 1.5 and later give messages their ids in the very list they are handed.
  loop.putWrites = (taskId, writes, ...rest) =>
    put(taskId, writes.some(isError) ? writes.map(masked) : writes, ...rest);
}

type Write = [channel: string, value: unknown];

function isError([channel]: Write): boolean {
  return channel === "__error__";
}

function masked(write: Write): Write {
  const [channel, value] = write;
  if (!isError(write) || typeof value !== "object" || value === null) return write;
  const { message }: { message?: unknown } = value;
  if (typeof message !== "string") return write;
  const text = redactText(message);
  return text === message ? write : [channel, { ...value, message: text }];
}
