import { ToolMessage } from "@langchain/core/messages";
import { z } from "zod";

import { redact } from "../redact/redact.ts";
import { redactText } from "../redact/secret-text.ts";
import { quoteAsData } from "./quote-as-data.ts";

/** What a tool call came to that a middleware answered itself, for machines. */
export interface Envelope {
  /** Version of this shape. */
  v: 1;
  /** Stable name of what happened. */
  code: string;
  /** What happened, in words a model can act on. */
  message: string;
  /** Whether the same call may succeed later. */
  retryable: boolean;
  /** Whether making the same call again is free of further effects. */
  safeToReplay: boolean;
  /** The middleware that answers. */
  by: string;
  /** Further JSON facts. */
  details: Readonly<Record<string, unknown>>;
}

/** The key in `additional_kwargs` under which the envelope travels. */
export const ENVELOPE_KEY = "evenkeel";

const envelopeSchema: z.ZodType<Envelope> = z.object({
  v: z.literal(1),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  safeToReplay: z.boolean(),
  by: z.string(),
  details: z.record(z.string(), z.unknown()),
});

/** What {@link toolAnswer} makes a message from. */
export interface ToolAnswerOptions {
  /** The call that is answered. */
  toolCall: { id?: string | undefined; name: string };
  envelope: Envelope;
  /** Tool output the answer shows below its own words, delimited as data. */
  quote?: { label: string; text: string };
  /** Takes the place of the text rendered from the envelope, such as a recorded result. */
  content?: ToolMessage["content"];
  /** @default "error" */
  status?: "success" | "error";
}

/**
 * The `ToolMessage` that answers a tool call in the tool's place, so that no call is left without
 * its answer. The envelope travels in `additional_kwargs.evenkeel`, redacted; the text the model
 * reads is rendered from it unless `content` is given.
 */
export function toolAnswer(options: ToolAnswerOptions): ToolMessage {
  const { toolCall, quote, status = "error" } = options;
  const message = redactText(options.envelope.message);
  const envelope = { ...options.envelope, message, details: redact(options.envelope.details) };
  return new ToolMessage({
    tool_call_id: toolCall.id ?? "",
    name: toolCall.name,
    status,
    content: options.content ?? render(options.envelope, message, quote),
    additional_kwargs: { [ENVELOPE_KEY]: envelope },
  });
}

function render(
  { code, retryable, safeToReplay }: Envelope,
  message: string,
  quote: ToolAnswerOptions["quote"],
): string {
  const facts = [
    `code: ${code}`,
    `calling again may help: ${retryable ? "yes" : "no"}`,
    `calling again is safe: ${safeToReplay ? "yes" : "no"}`,
  ].join("; ");
  const words = `${message}\n(${facts})`;
  return quote === undefined ? words : `${words}\n${quoteAsData(quote.text, quote.label)}`;
}

/**
 * The envelope of a message, or undefined where it carries none, a malformed one, or one of a
 * version this release does not know: status and text still say what happened, so such a message
 * is read like any other tool's answer.
 */
export function readEnvelope(message: unknown): Envelope | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { additional_kwargs: kwargs }: { additional_kwargs?: unknown } = message;
  if (typeof kwargs !== "object" || kwargs === null) return undefined;
  const parsed = envelopeSchema.safeParse(Reflect.get(kwargs, ENVELOPE_KEY));
  return parsed.success ? parsed.data : undefined;
}
