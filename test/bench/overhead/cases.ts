import { type AnyMiddleware, defineMiddleware, withMiddleware } from "@evenkeel/core";

import type { BaseClock } from "./base-clock.ts";
import {
  type BenchGraph,
  type BenchSubject,
  type SubjectOptions,
  compiledGraph,
  plainAgent,
  stateGraph,
} from "./graphs.ts";
import { agentWithBuiltIns, deepAgent } from "./upstream-graphs.ts";

/** A graph ready to run. */
export interface CaseGraph {
  readonly graph: BenchGraph;
  readonly clock: BaseClock;
}

/** One of the two things a row compares. */
export interface CaseSide {
  build(options: SubjectOptions): CaseGraph;
  readonly durability: "sync" | "async";
}

/** One row of the bench: a variant against its reference. */
export interface BenchCase {
  readonly id: string;
  readonly title: string;
  /** Rows of one family are compared with the same bare graph; its A/A ratio stands beside them. */
  readonly family: "StateGraph" | "createAgent";
  readonly kind: "bare" | "evenkeel" | "upstream" | "durability";
  /** Whether the manifest of a frozen configuration is among what the variant writes. */
  readonly freezes: boolean;
  readonly reference: CaseSide;
  readonly variant: CaseSide;
}

/** Middleware that hands everything on, around runs, model calls and tool calls. */
export function noOps(count: number): AnyMiddleware[] {
  return Array.from({ length: count }, (_, index) =>
    defineMiddleware({
      name: `noOp${index + 1}Middleware`,
      options: {},
      wrapRun: (request, handler) => handler(request),
      wrapModelCall: (request, handler) => handler(request),
      wrapToolCall: (request, handler) => handler(request),
    }),
  );
}

type Subject = (options: SubjectOptions) => BenchSubject;

function bare(subject: Subject, durability: CaseSide["durability"] = "sync"): CaseSide {
  return {
    durability,
    build(options) {
      const built = subject(options);
      return { graph: compiledGraph(built), clock: built.clock };
    },
  };
}

function guarded(subject: Subject, stack: () => readonly AnyMiddleware[]): CaseSide {
  return {
    durability: "sync",
    build(options) {
      const { source, clock } = subject(options);
      return { graph: withMiddleware(source, stack()) as BenchGraph, clock };
    },
  };
}

interface Family {
  readonly family: BenchCase["family"];
  readonly prefix: string;
  readonly subject: Subject;
}

const FAMILIES: readonly Family[] = [
  { family: "StateGraph", prefix: "stategraph", subject: stateGraph },
  { family: "createAgent", prefix: "createagent", subject: plainAgent },
];
const STACK_SIZES = [0, 1, 6];

/** What config-freeze exports, where this checkout has it. */
export type FreezeFactory = () => AnyMiddleware;

/** All rows, in the order of the table. */
export function benchCases(freeze: FreezeFactory | undefined): BenchCase[] {
  return [...FAMILIES.flatMap((family) => familyCases(family, freeze)), ...upstreamCases()];
}

function familyCases(
  { family, prefix, subject }: Family,
  freeze: FreezeFactory | undefined,
): BenchCase[] {
  const reference = bare(subject);
  const row = (id: string, title: string, stack: () => readonly AnyMiddleware[]): BenchCase => ({
    id: `${prefix}-${id}`,
    title: `${family}, ${title}`,
    family,
    kind: "evenkeel",
    freezes: id === "freeze",
    reference,
    variant: guarded(subject, stack),
  });
  return [
    {
      id: `${prefix}-bare`,
      title: `${family}, bare (A/A)`,
      family,
      kind: "bare",
      freezes: false,
      reference,
      variant: reference,
    },
    ...STACK_SIZES.map((size) => row(String(size), `${size} no-op`, () => noOps(size))),
    ...(freeze === undefined ? [] : [row("freeze", "config-freeze", () => [freeze()])]),
  ];
}

function upstreamCases(): BenchCase[] {
  const upstream = { family: "createAgent", kind: "upstream", freezes: false } as const;
  const reference = bare(plainAgent);
  return [
    {
      ...upstream,
      id: "builtins",
      title: "createAgent, five built-ins",
      reference,
      variant: bare(agentWithBuiltIns),
    },
    {
      ...upstream,
      id: "deepagents",
      title: "deepagents, default",
      reference,
      variant: bare(deepAgent),
    },
    {
      id: "sync-price",
      title: "StateGraph, bare: sync against async",
      family: "StateGraph",
      kind: "durability",
      freezes: false,
      reference: bare(stateGraph, "async"),
      variant: bare(stateGraph),
    },
  ];
}

/** `configFreezeMiddleware` of this checkout; undefined while its package does not export it. */
export async function findFreeze(): Promise<FreezeFactory | undefined> {
  const exported: Record<string, unknown> = { ...(await import("@evenkeel/config-freeze")) };
  const factory = exported["configFreezeMiddleware"];
  return typeof factory === "function" ? (factory as FreezeFactory) : undefined;
}
