import type { EventFields } from "../middleware.ts";
import { redact } from "../redact/redact.ts";
import type { ExecutionInfo } from "../run/execution.ts";
import type { EventStore } from "../store/stores.ts";
import type { EvenkeelEvent, EvenkeelEventName, RunMode } from "./event.ts";

/** Hears every event of a run, in order. */
export type EventListener = (event: EvenkeelEvent) => void;

/** Where the events of one execution go. */
export interface EventSinks {
  readonly listeners: readonly EventListener[];
  readonly store: EventStore | undefined;
  readonly clock: () => number;
  readonly mode: RunMode;
  /** The custom stream for events that no node writes. */
  readonly fallback?: (chunk: unknown) => void;
  /** What to do with a sink that threw: events never fail a run. */
  readonly onSinkError: (error: unknown) => void;
}

/** Numbers, redacts and hands out the events of one execution. */
export interface EventEmitter {
  emit(
    by: string,
    name: EvenkeelEventName,
    where: { node: string | null; write?: ((chunk: unknown) => void) | undefined },
    fields?: EventFields,
  ): EvenkeelEvent;
  /** The highest sequence given out. */
  sequence(): number;
  /** Waits until the store has taken what was emitted. */
  flush(): Promise<void>;
}

/** The key under which an event travels in LangGraph's custom stream. */
const EVENT_STREAM_TYPE = "evenkeel";

/** Makes the emitter of one execution, which goes on counting where the last process stopped. */
export function eventEmitter(
  execution: () => ExecutionInfo,
  startAfter: number,
  sinks: EventSinks,
): EventEmitter {
  let sequence = startAfter;
  let tail: Promise<void> = Promise.resolve();
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      sinks.onSinkError(error);
    }
  };
  return {
    sequence: () => sequence,
    flush: () => tail,
    emit(by, name, where, fields = {}) {
      const { id, attempt, threadId, scope } = execution();
      sequence += 1;
      const event: EvenkeelEvent = {
        v: 1,
        name,
        executionId: id,
        sequence,
        threadId,
        attempt,
        node: where.node,
        callId: fields.callId ?? null,
        at: new Date(sinks.clock()).toISOString(),
        severity: fields.severity ?? "info",
        mode: sinks.mode,
        by,
        ...(fields.failure === undefined ? {} : { failure: fields.failure }),
        detail: redact(fields.detail ?? {}) as Readonly<Record<string, unknown>>,
      };
      guarded(() => (where.write ?? sinks.fallback)?.({ type: EVENT_STREAM_TYPE, event }));
      for (const listener of sinks.listeners) guarded(() => listener(event));
      const { store } = sinks;
      if (store !== undefined) {
        tail = tail.then(() => store.appendEvents(scope, [event])).catch(sinks.onSinkError);
      }
      return event;
    },
  };
}
