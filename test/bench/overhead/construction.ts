import { performance } from "node:perf_hooks";

import { withMiddleware } from "@evenkeel/core";

import { median } from "../measure/statistics.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { noOps } from "./cases.ts";
import { plainAgent, stateGraph } from "./graphs.ts";

/** Median time of one `withMiddleware` with six middleware, in milliseconds. */
export interface ConstructionTime {
  readonly title: string;
  readonly ms: number;
}

const CONSTRUCTIONS = 200;

/** Measures how long it takes to put middleware around a graph. */
export function measureConstruction({ checkpointer }: BenchDatabase): ConstructionTime[] {
  const subjects = [
    { title: "StateGraph", subject: stateGraph },
    { title: "createAgent", subject: plainAgent },
  ];
  return subjects.map(({ title, subject }) => {
    const { source } = subject({ toolCalls: 1, thinkMs: 0, url: "http://127.0.0.1", checkpointer });
    const stack = noOps(6);
    const times = Array.from({ length: CONSTRUCTIONS }, () => {
      const start = performance.now();
      withMiddleware(source, stack);
      return performance.now() - start;
    });
    return { title, ms: median(times) };
  });
}
