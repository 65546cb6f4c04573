import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** An answer that is an error status. */
export interface StatusFault {
  status: number;
  /** The code in the error body. @default named after the status */
  code?: string;
  message?: string;
  /** Sent as `retry-after-ms` and `retry-after`, in milliseconds. */
  retryAfterMs?: number;
}

/** A connection that ends, or never does, instead of carrying an answer. */
export interface ConnectionFault {
  kind: "reset" | "hang";
}

/** The headers that tell a client when to come back. */
export function retryAfterHeaders(fault: StatusFault): Record<string, string> {
  if (fault.retryAfterMs === undefined) return {};
  return {
    "retry-after-ms": String(fault.retryAfterMs),
    "retry-after": String(fault.retryAfterMs / 1000),
  };
}

/** Resets the connection, or leaves it open without a byte until the client or the endpoint goes. */
export async function failConnection(
  fault: ConnectionFault,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (fault.kind === "reset") response.socket?.resetAndDestroy();
  else await untilAborted(signal);
}

/** Waits for the client or the endpoint to go. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Waits, unless the client or the endpoint goes first. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs > 0) await sleep(durationMs, undefined, { signal });
}
