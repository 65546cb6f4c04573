import { writeFileSync, appendFileSync } from "node:fs";

import { test } from "vitest";

import { NATIVE_AGENTS, REACT_AGENTS } from "./support/agents.ts";
import { bare, collect, thread, watched } from "./support/both.ts";
import { NESTED_GRAPHS } from "./support/nested-graphs.ts";
import { plain } from "./support/plain.ts";
import { STATE_GRAPHS } from "./support/state-graphs.ts";
const MODES = ["values", "updates", "debug", "tasks", "checkpoints", "messages", "custom", "tools"];
const VIEWS: any[] = [
  ...MODES.map((m) => [
    m,
    async (g: any, i: any) => collect(await g.stream(i, thread("t", { streamMode: m }))),
  ]),
  [
    "all",
    async (g: any, i: any) =>
      collect(await g.stream(i, thread("t", { streamMode: MODES, subgraphs: true }))),
  ],
  ["ev1", async (g: any, i: any) => collect(g.streamEvents(i, thread("t", { version: "v1" })))],
  [
    "ev2",
    async (g: any, i: any) =>
      collect(g.streamEvents(i, thread("t", { version: "v2", streamMode: MODES }))),
  ],
  [
    "ev2s",
    async (g: any, i: any) =>
      collect(
        g.streamEvents(i, thread("t", { version: "v2", streamMode: MODES, subgraphs: true })),
      ),
  ],
  [
    "ev3",
    async (g: any, i: any) => collect(await g.streamEvents(i, thread("t", { version: "v3" }))),
  ],
];
function diff(a: any, b: any, path: string, out: string[]) {
  if (out.length > 400) return;
  if (typeof a !== typeof b || a === null || b === null || typeof a !== "object") {
    if (a !== b)
      out.push(
        `${path}: ${JSON.stringify(a)?.slice(0, 200)} | ${JSON.stringify(b)?.slice(0, 200)}`,
      );
    return;
  }
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length)
    out.push(`${path}.length ${a.length} | ${b.length}`);
  for (const k of new Set([...Object.keys(a), ...Object.keys(b)]))
    diff(a[k], b[k], `${path}.${k}`, out);
}
const LOG = "/tmp/parity/diff.log";
writeFileSync(LOG, "");
const aa = process.env["AA"] === "1";
for (const kind of [...STATE_GRAPHS, ...NESTED_GRAPHS, ...REACT_AGENTS, ...NATIVE_AGENTS])
  for (const [view, show] of VIEWS)
    test(`${kind.title} ${view}`, async () => {
      const out: string[] = [];
      try {
        const one = await show(bare(kind.build).graph, kind.input);
        const two = await show((aa ? bare(kind.build) : watched(kind.build)).graph, kind.input);
        const split = (x: any[]) => {
          if (!view.startsWith("ev") || view === "ev3") return [plain(x)];
          const root = (e: any) => e.event === "on_chain_stream" && e.run_id === x[0].run_id;
          return [plain(x.filter(root)), plain(x.filter((e: any) => !root(e)))];
        };
        diff(split(one), split(two), "", out);
        if (/"_(spy|spyThread|execution)"/.test(JSON.stringify(two)))
          out.push(
            "PRIVATE KEY " +
              JSON.stringify(two).match(/.{80}"_(spy|spyThread|execution)".{80}/)?.[0],
          );
      } catch (e: any) {
        out.push("THROW " + e.message);
      }
      if (out.length)
        appendFileSync(
          LOG,
          `## ${kind.title} / ${view}: ${out.length}\n  ${out.slice(0, 12).join("\n  ")}\n`,
        );
    });
