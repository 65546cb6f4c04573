import { MemorySaver } from "@langchain/langgraph";

import { ConformanceError } from "./error.ts";
import { langchainAgent, stateGraph } from "./graph-kind.ts";
import type { GraphKind } from "./graph-kind.ts";
import { everyLaw } from "./laws/every-law.ts";
import { lawBroken } from "./laws/law.ts";
import type { LawContext, Subject } from "./laws/law.ts";
import type { ConformanceOptions } from "./options.ts";
import { ORDINARY } from "./situation.ts";

/** One law, ready to be checked. */
export interface ConformanceTest {
  /** 1 to 19. */
  readonly law: number;
  readonly title: string;
  /** Rejects with a `law-broken` error that says what happened and what to do. */
  readonly run: () => Promise<void>;
}

/**
 * Checks a middleware against the nineteen laws every middleware of Evenkeel keeps, on a real
 * StateGraph and a real createAgent, with a real checkpointer and a scripted model.
 *
 * Error behavior: bad options throw `invalid-options` here; a broken law rejects its test with
 * `law-broken`. Output: the laws as a list; with a runner they are its tests as well. State: none.
 * When it fires: a law runs when its test does.
 *
 * @example
 * ```ts
 * const tests = conformance({ create: () => loopDetectionMiddleware() });
 * for (const { run } of tests) await run();
 * ```
 */
export function conformance(options: ConformanceOptions): readonly ConformanceTest[] {
  const context = contextOf(options);
  const tests = everyLaw.map((law) => ({
    law: law.law,
    title: `law ${law.law}: ${law.title}`,
    run: () =>
      law.check(context).catch((error: unknown) => {
        throw lawBroken(law, error);
      }),
  }));
  const { runner } = options;
  runner?.describe(`${context.idle.create().name} keeps the laws of a middleware`, () => {
    for (const { title, run } of tests) runner.test(title, run);
  });
  return tests;
}

const KINDS: Readonly<Record<string, GraphKind>> = {
  StateGraph: stateGraph,
  createAgent: langchainAgent,
};

function contextOf(options: ConformanceOptions): LawContext {
  const {
    create,
    name,
    capabilities = {},
    others = [],
    graphs = ["StateGraph", "createAgent"],
    checkpointer = () => new MemorySaver(),
  } = options;
  if (typeof create !== "function") {
    throw refuse(`\`create\` must be a function that makes the middleware; ${typeof create} came.`);
  }
  if (capabilities.retries === true && capabilities.attempts === undefined) {
    throw refuse(
      "`capabilities.retries` needs `attempts`: the total tries after which it gives up.",
    );
  }
  const kinds = graphs.map((graph) => {
    const kind = typeof graph === "string" ? KINDS[graph] : graph;
    if (typeof kind?.build === "function") return kind;
    throw refuse(
      `\`graphs\` holds ${JSON.stringify(graph)}; allowed are "StateGraph", "createAgent" and { name, build }.`,
    );
  });
  if (kinds.length === 0) throw refuse("`graphs` is empty; one kind of graph at least is needed.");
  const idle: Subject = { label: "idle", create, situation: ORDINARY };
  const { acts } = capabilities;
  const acting: Subject[] =
    acts === undefined ? [] : [{ label: "acting", create: acts.create ?? create, situation: acts }];
  return {
    kinds,
    idle,
    subjects: [idle, ...acting],
    others,
    capabilities,
    factoryName: name ?? nameOf(create),
    checkpointer,
  };
}

/** A function written in place is named after the property it stands in. */
function nameOf(create: { readonly name: string }): string | undefined {
  return create.name === "" || create.name === "create" ? undefined : create.name;
}

function refuse(message: string): ConformanceError {
  return new ConformanceError({ code: "invalid-options", message: `conformance: ${message}` });
}
