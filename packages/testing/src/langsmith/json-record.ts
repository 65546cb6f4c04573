import { EndpointError } from "../endpoint/endpoint-error.ts";

/** A JSON object whose fields are not known. */
export type JsonRecord = Record<string, unknown>;

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object, empty where it is none. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

/** The value as a text, `undefined` where it is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value as a number, `undefined` where it is none. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The texts of a list; empty where it is no list. */
export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Refuses a request body that is not a JSON object. */
export function requireRecord(value: unknown): JsonRecord {
  if (isRecord(value)) return value;
  throw new EndpointError("invalid-request", "the body is not a JSON object", { status: 400 });
}

/** Refuses a request body in which a field is missing or not a text. */
export function requireText(record: JsonRecord, field: string): string {
  const value = textOf(record[field]);
  if (value !== undefined && value !== "") return value;
  const message = `the body has no text in "${field}"`;
  throw new EndpointError("invalid-request", message, { status: 400 });
}
