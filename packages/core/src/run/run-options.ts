import type { EventListener } from "../event/emit.ts";
import type { RunMode } from "../event/event.ts";
import type { RedactedToolMessages } from "../graph/redact-tool-messages.ts";
import type { EventStore } from "../store/stores.ts";

/** How the runs of a graph with middleware behave. */
export interface RunOptions {
  /** A call that passed no middleware is an error instead of a `call-not-wrapped` event. @default false */
  strict?: boolean;
  /** Hears every event, in order; what it throws never reaches the run. */
  onEvent?: EventListener;
  /** Keeps every event; `evenkeelPostgres(pool)` is one. @default none */
  eventStore?: EventStore;
  /** Hears what an event sink threw. @default ignored */
  onSinkError?: (error: unknown) => void;
  /** Prefix of every key and handle, so that tenants never meet. @default the authenticated user and the thread */
  scope?: (config: { readonly configurable: Readonly<Record<string, unknown>> }) => string;
  /** Secrets in the texts of errors are masked where LangGraph writes them to the checkpoint; what is thrown stays whole. @default true */
  redactErrors?: boolean;
  /** Secrets in the texts of tool messages are masked before they enter the state: of errors, or of all; the model sees them masked too. @default "none" */
  redactToolMessages?: RedactedToolMessages;
  /** Marks events and records of replays and evaluations. @default "live" */
  runMode?: RunMode;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
  /** Unique ids of executions. @default UUID version 7 */
  createId?: () => string;
}
