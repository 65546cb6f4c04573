import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

import type { StateCapability } from "../../src/conformance/options.ts";
import type { Breaker } from "./breaker.ts";

interface Total {
  v?: number;
  calls: number;
}

/** Counts calls in one entry, which is replaced at every call. */
function totalMiddleware(read: (total: unknown) => number): Middleware {
  return defineMiddleware({
    name: "totalMiddleware",
    options: {},
    state: { _total: {} },
    wrapToolCall: (request, handler, { state }) => {
      const calls = read(state.read("_total")["total"]) + 1;
      state.write("_total", { total: { v: 1, calls } satisfies Total });
      return handler(request);
    },
  });
}

const versioned: StateCapability = { channel: "_total", fixture: { total: { v: 1, calls: 2 } } };
const unversioned: StateCapability = {
  channel: "_total",
  fixture: { total: 40 },
  understood: ({ entries }) => (entries["total"] as Total).calls > 40,
};

/** Law 17. */
export const versionBreakers: readonly Breaker[] = [
  {
    law: 17,
    does: "takes a version it does not know for its own",
    says: /version 99 in "_total" was taken for a known one and overwritten/,
    options: {
      create: () => totalMiddleware((total) => (total as Total | undefined)?.calls ?? 0),
      capabilities: { state: versioned },
    },
  },
  {
    law: 17,
    does: "cannot read what an older release left",
    says: /resumed on state of an older release failed with Error: version undefined/,
    options: {
      create: () =>
        totalMiddleware((total) => {
          if (total === undefined) return 0;
          const { v, calls } = Object(total) as Total;
          if (v !== 1) throw new Error(`version ${v}`);
          return calls;
        }),
      capabilities: { state: unversioned },
      // A ToolNode of LangGraph gives the model errors to read; createAgent fails the run.
      graphs: ["createAgent"],
    },
  },
  {
    law: 17,
    does: "starts anew on what an older release left",
    says: /resumed on state of an older release and did not read it/,
    options: {
      create: () => totalMiddleware((total) => (Object(total) as Partial<Total>).calls ?? 0),
      capabilities: { state: unversioned },
    },
  },
  {
    law: 17,
    does: "gives a fixture of a channel it does not have",
    says: /channel "_totals" of the fixture is declared nowhere/,
    options: {
      create: () => totalMiddleware(() => 0),
      capabilities: { state: { ...versioned, channel: "_totals" } },
    },
  },
];
