import type { ChunkGate } from "../middleware.ts";

interface SentEvent {
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** LangChain's handler behind `streamEvents` v2, which no stream of a graph passes. */
interface EventHandler {
  name: "event_stream_tracer";
  send(event: SentEvent, run: unknown): Promise<void>;
}

/**
 * A gate before the events of one execution in `streamEvents`: what others send passes. Each call
 * of `streamEvents` has a handler of its own, so nothing is to be undone.
 */
export function eventGate(handlers: readonly unknown[], executionId: string): ChunkGate {
  let waiting: (() => void)[] | undefined;
  for (const handler of handlers.filter(isEventHandler)) {
    const send = handler.send.bind(handler);
    handler.send = async (event, run) => {
      const own = event.metadata?.["evenkeel_execution_id"] === executionId;
      if (!own || waiting === undefined) return send(event, run);
      waiting.push(() => void send(event, run));
    };
  }
  return {
    hold: () => void (waiting ??= []),
    release: () => {
      const events = waiting ?? [];
      waiting = undefined;
      for (const deliver of events) deliver();
    },
    drop: () => void (waiting = undefined),
  };
}

/** Several gates that are held and opened as one. */
export function allGates(...gates: readonly ChunkGate[]): ChunkGate {
  return {
    hold: () => gates.forEach((gate) => gate.hold()),
    release: () => gates.forEach((gate) => gate.release()),
    drop: () => gates.forEach((gate) => gate.drop()),
  };
}

function isEventHandler(handler: unknown): handler is EventHandler {
  const known = handler as Partial<EventHandler>;
  return known.name === "event_stream_tracer" && typeof known.send === "function";
}
