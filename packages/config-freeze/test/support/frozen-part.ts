/** What of a request is frozen: all but the conversation. */
export interface FrozenPart {
  /** The system messages it begins with, as JSON text. */
  readonly prompt: string;
  /** Model, settings and tools, as JSON text. */
  readonly rest: string;
}

/** Cuts a request body as the endpoint received it, keys in the order they came. */
export function frozenPart(rawBody: string): FrozenPart {
  const { messages, ...rest } = JSON.parse(rawBody) as { messages: { role: string }[] };
  const end = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const leading = end === -1 ? messages : messages.slice(0, end);
  return { prompt: JSON.stringify(leading), rest: JSON.stringify(rest) };
}
