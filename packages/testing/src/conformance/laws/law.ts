import type { AnyMiddleware } from "@evenkeel/core";
import type { BaseCheckpointSaver } from "@langchain/langgraph";

import { ConformanceError } from "../error.ts";
import type { GraphKind } from "../graph-kind.ts";
import type { ConformanceCapabilities } from "../options.ts";
import type { Outcome } from "../play.ts";
import type { Situation } from "../situation.ts";
import { openStage } from "../stage.ts";
import type { Stage } from "../stage.ts";

/** One promise every middleware keeps. */
export interface Law {
  /** 1 to 19. */
  readonly law: number;
  readonly title: string;
  /** What an author does about it; part of every failure. */
  readonly fix: string;
  /** Throws where the middleware breaks the law. */
  check(context: LawContext): Promise<void>;
}

/** The middleware under test, as it is or made to act. */
export interface Subject {
  readonly label: "idle" | "acting";
  readonly create: () => AnyMiddleware;
  readonly situation: Situation;
}

/** Where a law is checked: a kind of graph and a subject. */
export interface Scene {
  readonly kind: GraphKind;
  readonly subject: Subject;
  /** A fresh stage. */
  readonly stage: () => Promise<Stage>;
}

/** What a law is checked with. */
export interface LawContext {
  readonly kinds: readonly GraphKind[];
  readonly idle: Subject;
  /** The idle subject, then the acting one where the author says how to make it act. */
  readonly subjects: readonly Subject[];
  readonly others: readonly (() => AnyMiddleware)[];
  readonly capabilities: ConformanceCapabilities;
  /** The factory's name, where it is known. */
  readonly factoryName: string | undefined;
  readonly checkpointer: () => BaseCheckpointSaver | Promise<BaseCheckpointSaver>;
}

/** What a law throws: what happened, to which `check` adds where, the law and its fix. */
export class Broken extends Error {}

/** Checks a law for each kind of graph with the given subjects; a failure says where it happened. */
export async function everywhere(
  { kinds, checkpointer }: LawContext,
  subjects: readonly Subject[],
  check: (scene: Scene) => Promise<void>,
): Promise<void> {
  for (const kind of kinds) {
    for (const subject of subjects) {
      try {
        await check({ kind, subject, stage: () => openStage(checkpointer) });
      } catch (error) {
        if (ConformanceError.isInstance(error)) throw error;
        const what = error instanceof Broken ? error.message : `the kit met ${describe(error)}`;
        throw new Broken(`On ${kind.name}, ${subject.label}: ${what}`, { cause: error });
      }
    }
  }
}

/** The failure an author reads: the law, what happened, the fix. */
export function lawBroken({ law, title, fix }: Law, error: unknown): ConformanceError {
  if (error instanceof ConformanceError) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new ConformanceError({
    code: "law-broken",
    message: `Law ${law} is broken: ${title}.\n${what}\nFix: ${fix}`,
    cause: error instanceof Broken ? error.cause : error,
    details: { law },
  });
}

/** Breaks the law where a run failed that should not have. */
export function assertCompleted(outcome: Outcome, what = "the run"): void {
  if (outcome.failed) {
    throw new Broken(`${what} failed with ${describe(outcome.error)}`, { cause: outcome.error });
  }
}

/** An error in one line, with its code and its causes. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return `${typeof error} ${String(error)}`;
  const { code } = error as { code?: unknown };
  const named = typeof code === "string" ? `${error.name} (${code})` : error.name;
  const cause = error.cause instanceof Error ? `, caused by ${describe(error.cause)}` : "";
  return `${named}: ${error.message}${cause}`;
}
