import { EvenkeelError } from "@evenkeel/core";
import type { StoredResult } from "@evenkeel/core";
import type { ToolMessage } from "@langchain/core/messages";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { counted, figure } from "../preview/cut.ts";
import { waysOn } from "../preview/frame.ts";
import { encodeText } from "../results/text-bytes.ts";
import { resultsOf, toolNames } from "./scope.ts";
import type { OffloadScope } from "./scope.ts";

/** An artifact that is not there yet: pieces of text or bytes, each of them gone once it was read. */
export type ArtifactStream = AsyncIterable<unknown>;

/** What takes a stream's place: a line for the model, and a reference. */
interface KeptStream {
  readonly note: string;
  readonly handle: string | null;
  readonly bytes: number;
}

export function isStream(artifact: unknown): artifact is ArtifactStream {
  return typeof artifact === "object" && artifact !== null && Symbol.asyncIterator in artifact;
}

/**
 * Keeps what a tool streams while it flows, so that it may be larger than memory. One that fails
 * half-way, or a store that does, leaves nothing but a line that says so.
 */
export async function offloadStream(
  message: ToolMessage,
  stream: ArtifactStream,
  scope: OffloadScope,
): Promise<KeptStream> {
  const { context, owner, settings } = scope;
  const { tool_call_id: callId, name: tool = null } = message;
  const detail = { tool, metIn: "tool", part: "stream" };
  const meta = { tool, part: "stream", shape: { as: "bytes" } };
  let bytes = 0;
  async function* counting(): AsyncGenerator<Uint8Array> {
    for await (const piece of bytesOf(stream)) {
      bytes += piece.length;
      yield piece;
    }
  }
  try {
    const options = { ...settings.limits, meta };
    const stored = await resultsOf(scope).put(owner, counting(), options);
    const { handle, size } = stored;
    context.emit("result-offloaded", { callId, detail: { ...detail, handle, bytes: size } });
    return { note: keptNote(stored, scope), handle, bytes: size };
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    scope.signal?.throwIfAborted();
    const code = EvenkeelError.isInstance(error) ? error.code : "store-unavailable";
    const reason = error instanceof Error ? error.message : String(error);
    const fields = { severity: "medium", callId, detail: { ...detail, code, bytes } } as const;
    context.emit("middleware-warning", fields);
    const note = `[The rest of this result could not be kept (${code}): ${reason.slice(0, 200)} Call the tool again.]`;
    return { note, handle: null, bytes };
  }
}

function keptNote({ handle, size, lines }: StoredResult, { settings }: OffloadScope): string {
  const figures = `${figure(size)} bytes, ${counted(lines, "line")}`;
  return `[More of this result is kept outside this conversation as ${handle}: ${figures}. ${waysOn(handle, "text", toolNames(settings))}]`;
}

async function* bytesOf(stream: ArtifactStream): AsyncGenerator<Uint8Array> {
  for await (const piece of stream) {
    if (typeof piece === "string") yield* encodeText(piece);
    // Anything else is refused by name where it is stored.
    else yield piece as Uint8Array;
  }
}
