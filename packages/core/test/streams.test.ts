import { describe, expect, test } from "vitest";

import { NATIVE_AGENTS, REACT_AGENTS } from "./support/agents.ts";
import { bare, collect, thread, watched } from "./support/both.ts";
import type { TestGraph } from "./support/both.ts";
import { NESTED_GRAPHS } from "./support/nested-graphs.ts";
import { plain } from "./support/plain.ts";
import { STATE_GRAPHS } from "./support/state-graphs.ts";

type Show = (graph: TestGraph, input: unknown) => Promise<unknown[]>;

const MODES = ["values", "updates", "debug", "tasks", "checkpoints", "messages", "custom", "tools"];
const KINDS = [...STATE_GRAPHS, ...NESTED_GRAPHS, ...REACT_AGENTS, ...NATIVE_AGENTS];

/** Every way LangGraph shows a run while it goes on. */
const STREAMS: readonly { view: string; show: Show }[] = [
  ...MODES.map((streamMode) => ({
    view: `stream of ${streamMode}`,
    show: async (graph: TestGraph, input: unknown) =>
      collect(await graph.stream(input, thread("t", { streamMode }))),
  })),
  {
    view: "stream of all modes with subgraphs",
    show: async (graph, input) =>
      collect(await graph.stream(input, thread("t", { streamMode: MODES, subgraphs: true }))),
  },
  {
    view: "stream of server-sent events",
    show: async (graph, input) => {
      const options = { streamMode: MODES, subgraphs: true, encoding: "text/event-stream" };
      const bytes = (await collect(
        await graph.stream(input, thread("t", options)),
      )) as Uint8Array[];
      return bytes.map((chunk) => eventOf(new TextDecoder().decode(chunk)));
    },
  },
  {
    view: "streamEvents v3",
    show: async (graph, input) =>
      collect(await graph.streamEvents(input, thread("t", { version: "v3" }))),
  },
];

/** A server-sent event, its data parsed. */
function eventOf(text: string): unknown {
  const [name = "", data = ""] = text.split("\n");
  return [name, JSON.parse(data.replace(/^data: /, ""))];
}

const EVENTS: readonly { view: string; options: Record<string, unknown> }[] = [
  { view: "streamEvents v1", options: { version: "v1" } },
  { view: "streamEvents v2", options: { version: "v2", streamMode: MODES } },
  {
    view: "streamEvents v2 with subgraphs",
    options: { version: "v2", streamMode: MODES, subgraphs: true },
  },
];

const PRIVATE = /"_(spy|spyThread|execution)"/;

/** What a stream gave, or how it failed: upstream's v3 cannot parse a scripted structured answer. */
async function outcome(work: Promise<unknown[]>): Promise<unknown> {
  return work.catch((error: Error) => error.message);
}

interface StreamEvent {
  readonly event: string;
  readonly run_id: string;
}

/**
 * The graph's own output and the events of what runs in it, each in order. How the two interleave
 * is a matter of microtasks.
 */
function strands(events: unknown[]): unknown[] {
  const [first] = events as StreamEvent[];
  const isOutput = (event: unknown): boolean => {
    const { event: name, run_id: run } = event as StreamEvent;
    return name === "on_chain_stream" && run === first?.run_id;
  };
  return [plain(events.filter(isOutput)), plain(events.filter((event) => !isOutput(event)))];
}

describe.each(KINDS)("$title", ({ build, input }) => {
  test.each(STREAMS)("shows in its $view what the bare graph shows", async ({ show }) => {
    const one = await outcome(show(bare(build).graph, input));
    const two = await outcome(show(watched(build).graph, input));
    expect(plain(two)).toEqual(plain(one));
    expect(JSON.stringify(two)).not.toMatch(PRIVATE);
  });

  test.each(EVENTS)("shows in its $view what the bare graph shows", async ({ options }) => {
    const one = await collect(await bare(build).graph.streamEvents(input, thread("t", options)));
    const two = await collect(await watched(build).graph.streamEvents(input, thread("t", options)));
    expect(strands(two)).toEqual(strands(one));
    expect(JSON.stringify(two)).not.toMatch(PRIVATE);
  });
});
