import type { BaseMessage } from "@langchain/core/messages";

/** Freezes a value and all plain data, lists and messages inside it. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
}

/** A deep-frozen copy of a message; the message itself stays as it is. */
export function frozenTwin(message: BaseMessage): BaseMessage {
  const twin = Object.create(
    Object.getPrototypeOf(message) as object,
    Object.getOwnPropertyDescriptors(message),
  ) as BaseMessage;
  Object.freeze(twin);
  const { tool_calls: calls } = twin as { tool_calls?: unknown };
  for (const part of [twin.content, twin.additional_kwargs, twin.response_metadata, calls]) {
    deepFreeze(part);
  }
  return twin;
}
