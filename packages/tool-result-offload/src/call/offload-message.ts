import { EvenkeelError } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { OffloadError } from "../errors.ts";
import { renderTruncated } from "../preview/frame.ts";
import { isSurelySmall, planOffload, thresholdsFor } from "../threshold/thresholds.ts";
import type { OffloadThresholds } from "../threshold/thresholds.ts";
import type { TokenCounter } from "../threshold/token-counter.ts";
import { valueSize } from "../threshold/value-size.ts";
import { keepResult } from "./keep-result.ts";
import { offloadMarkOf, withMark } from "./mark.ts";
import { isStream, offloadStream } from "./offload-stream.ts";
import type { ArtifactStream } from "./offload-stream.ts";
import { counterOf, resultsOf, toolNames } from "./scope.ts";
import type { OffloadScope } from "./scope.ts";

/** Where a message was met: fresh from its tool, or in a history. */
export type MetIn = "tool" | "history";

const MAX_PREVIEW_TOKENS = 800;
const MIN_PREVIEW_TOKENS = 60;
const BYTES_PER_TOKEN = 4;
const ERROR_BYTES = 16 * 1024;

/**
 * A tool's message with its large parts in the store: preview and handle in place of the content, a
 * reference in place of the artifact. A message with nothing large comes back as it is.
 */
export async function offloadMessage(
  message: ToolMessage,
  scope: OffloadScope,
  metIn: MetIn,
): Promise<ToolMessage> {
  const thresholds = limitsFor(message, scope);
  if (thresholds === undefined) return message;
  const small = isSurelySmall(message.content, thresholds);
  // An artifact costs the model nothing: it counts where a tool adds it to the state.
  const artifact: unknown = metIn === "tool" ? message.artifact : undefined;
  if (isStream(artifact)) return streamed(message, artifact, scope);
  if (small && artifact === undefined) return message;
  const counter = await counterOf(scope);
  const job: Job = { message, thresholds, scope, metIn, counter };
  const content = small ? undefined : await offloadPart(job, message.content, "content");
  const reference = await offloadPart(job, artifact, "artifact");
  if (content === undefined && reference === undefined) return message;
  return replaced(message, content, reference);
}

/** A stream has no size before it was read; the text beside it is the tool's own, and treated as ever. */
async function streamed(
  message: ToolMessage,
  stream: ArtifactStream,
  scope: OffloadScope,
): Promise<ToolMessage> {
  if (scope.context.mode === "observe") return message;
  const { note, handle, bytes } = await offloadStream(message, stream, scope);
  const artifact = { evenkeel_result: { handle, bytes } };
  const beside = await offloadMessage(copyOf(message, { artifact }), scope, "tool");
  const { content } = beside;
  return copyOf(beside, {
    artifact,
    content:
      typeof content === "string"
        ? [content, note].filter((text) => text !== "").join("\n")
        : [...content, { type: "text" as const, text: note }],
  });
}

interface Job {
  readonly message: ToolMessage;
  readonly thresholds: OffloadThresholds;
  readonly scope: OffloadScope;
  readonly metIn: MetIn;
  readonly counter: TokenCounter;
}

type Part = "content" | "artifact";

/** What stands for a part that is kept elsewhere. */
interface Kept {
  readonly text: string;
  readonly handle: string | null;
  readonly bytes: number;
}

function limitsFor(message: ToolMessage, scope: OffloadScope): OffloadThresholds | undefined {
  const { thresholds, perTool, preserveErrors } = scope.settings;
  if (offloadMarkOf(message) !== undefined) return undefined;
  if (
    preserveErrors &&
    message.status === "error" &&
    valueSize(message.content).bytes <= ERROR_BYTES
  ) {
    return undefined;
  }
  return thresholdsFor(message.name ?? "", thresholds, perTool);
}

async function offloadPart(job: Job, value: unknown, part: Part): Promise<Kept | undefined> {
  if (value === undefined || value === null) return undefined;
  const { thresholds, counter, scope } = job;
  // No model reads an artifact, so its tokens are nobody's.
  const limits = part === "content" ? thresholds : { ...thresholds, maxTokens: Infinity };
  const plan = planOffload(value, limits, counter);
  if (plan.action === "keep") return undefined;
  const { context } = scope;
  const { tool_call_id: callId, name: tool = null } = job.message;
  const detail = { tool, metIn: job.metIn, part, reason: plan.reason, limit: plan.limit };
  if (context.mode === "observe") {
    context.emit("would-have-acted", {
      callId,
      detail: { ...detail, bytes: valueSize(value).bytes },
    });
    return undefined;
  }
  try {
    const kept = await keepPart(job, value, part);
    if (kept === undefined) return undefined;
    const { text, handle, bytes, kind } = kept;
    const sizes = { handle, bytes, kind, previewBytes: Buffer.byteLength(text) };
    context.emit("result-offloaded", {
      callId,
      detail: { ...detail, ...sizes, counter: counter.name },
    });
    return kept;
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    scope.signal?.throwIfAborted();
    if (OffloadError.isInstance(error, "not-storable")) return undefined;
    const bytes = valueSize(value).bytes;
    const code = EvenkeelError.isInstance(error) ? error.code : "store-unavailable";
    context.emit("middleware-warning", {
      severity: "medium",
      callId,
      detail: { ...detail, code, bytes },
    });
    // Code reads an artifact, and code cannot tell a cut from the whole: it stays where it was.
    if (part === "artifact") return undefined;
    const maxTokens = previewTokens(thresholds, scope.settings.previewTokens);
    return { text: renderTruncated(value, error, { counter, maxTokens }), handle: null, bytes };
  }
}

async function keepPart(
  { message, thresholds, scope, counter }: Job,
  value: unknown,
  part: Part,
): Promise<(Kept & { readonly kind: string }) | undefined> {
  const { settings, owner } = scope;
  const { stored, preview, text } = await keepResult(value, {
    results: resultsOf(scope),
    owner,
    counter,
    limits: settings.limits,
    meta: { tool: message.name ?? null, part },
    maxPreviewTokens: previewTokens(thresholds, settings.previewTokens),
    tools: toolNames(settings),
  });
  // What would stand in its place is no smaller; the copy in the store goes by its age.
  if (Buffer.byteLength(text) >= stored.size) return undefined;
  return { text, handle: stored.handle, bytes: stored.size, kind: preview.kind };
}

/** A preview of half of what may stand in the context, so that it is always worth it. */
function previewTokens(
  { maxTokens = Infinity, maxBytes = Infinity }: OffloadThresholds,
  wanted: number | null,
): number {
  if (wanted !== null) return wanted;
  const half = Math.floor(Math.min(maxTokens, maxBytes / BYTES_PER_TOKEN) / 2);
  return Math.max(MIN_PREVIEW_TOKENS, Math.min(MAX_PREVIEW_TOKENS, half));
}

function replaced(
  message: ToolMessage,
  content: Kept | undefined,
  artifact: Kept | undefined,
): ToolMessage {
  return copyOf(message, {
    content: content?.text ?? message.content,
    mark: content === undefined ? {} : withMark({ v: 1, ...whereabouts(content) }),
    artifact:
      artifact === undefined ? message.artifact : { evenkeel_result: whereabouts(artifact) },
  });
}

function copyOf(
  message: ToolMessage,
  changes: {
    content?: ToolMessage["content"];
    mark?: Readonly<Record<string, unknown>>;
    artifact: unknown;
  },
): ToolMessage {
  const { id, name, status, tool_call_id, additional_kwargs, response_metadata } = message;
  const { content = message.content, mark = {}, artifact } = changes;
  return new ToolMessage({
    content,
    tool_call_id,
    response_metadata,
    additional_kwargs: { ...additional_kwargs, ...mark },
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(message.metadata === undefined ? {} : { metadata: message.metadata }),
    ...(artifact === undefined ? {} : { artifact }),
  });
}

function whereabouts({ handle, bytes }: Kept): { handle: string | null; bytes: number } {
  return { handle, bytes };
}
