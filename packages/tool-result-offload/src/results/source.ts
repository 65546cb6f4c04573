import { isGraphBubbleUp } from "@langchain/langgraph";

import { OffloadError } from "../errors.ts";
import { piecesOf } from "./chunk.ts";
import type { ResultSource } from "./chunk.ts";

/**
 * A source that tells its own failures from the store's: what it throws becomes `source-failed`
 * with the original as cause, and more than `maxBytes` become `result-too-large`. What LangGraph
 * throws to hand control upward passes as it is.
 */
export async function* guardSource(
  source: ResultSource,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const piece of piecesOf(source)) {
      if (!(piece instanceof Uint8Array))
        throw new TypeError(`a piece is ${typeof piece}, not bytes`);
      size += piece.length;
      if (size > maxBytes) break;
      yield piece;
    }
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    throw new OffloadError({
      code: "source-failed",
      message: `A result broke off after ${size} bytes: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
      details: { size },
    });
  }
  refuseAbove(size, maxBytes);
}

/** Throws `result-too-large` for a result that no eviction could make room for. */
export function refuseAbove(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new OffloadError({
    code: "result-too-large",
    message: `A result has more than the ${maxBytes} bytes its quota leaves it; raise maxThreadBytes or maxTotalBytes.`,
    details: { maxBytes },
  });
}
