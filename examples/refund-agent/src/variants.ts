import type { LostOrder } from "./lost-order.ts";

/** The two agents that are compared: as it is, and with Evenkeel. */
export type Variant = "bare" | "evenkeel";

/** What a process of the demonstration tells when it has finished the run. */
export interface ChildResult {
  readonly answer: string;
  /** Number of the last superstep. */
  readonly supersteps: number;
  readonly checkpoints: number;
  /** Fields in which the live configuration differed from the frozen one. */
  readonly drift: readonly string[];
}

/** A message of a request; an assistant's may make calls. */
interface RequestMessage {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly { readonly function: { readonly name: string } }[];
}

/** What one request told the model, as it left the process. */
export interface ModelRequestBody {
  readonly model: string;
  readonly temperature?: number;
  readonly messages: readonly RequestMessage[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

/** What was seen of one variant, from its start over the crash to its end. */
export interface Observation extends ChildResult {
  readonly requests: readonly ModelRequestBody[];
  /** How many requests the first process made before it was killed. */
  readonly beforeCrash: number;
  /** What the payment service paid. */
  readonly payments: readonly string[];
  /** Bytes in the checkpoint tables. */
  readonly databaseBytes: number;
  /** All processes together, in milliseconds. */
  readonly durationMs: number;
  /** Another customer's run, whose order is not found. */
  readonly lost: LostOrder;
}
