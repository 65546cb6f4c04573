import type { EffectRecord } from "@evenkeel/core";

import { plainResult } from "../call/recorded-result.ts";

/** What a person is asked, in the shape of LangChain's human-in-the-loop middleware. */
export interface EffectQuestion {
  readonly actionRequests: readonly {
    readonly name: string;
    readonly args: Record<string, unknown>;
    readonly description: string;
  }[];
  readonly reviewConfigs: readonly {
    readonly actionName: string;
    readonly allowedDecisions: readonly ("approve" | "reject")[];
  }[];
}

/** What a person decided. */
export interface EffectAnswer {
  readonly type: "approve" | "reject";
  readonly message?: string | undefined;
}

interface Asked {
  readonly tool: string;
  readonly args: Record<string, unknown>;
}

/** Asks whether an effect nobody can tell about may happen (again). */
export function unknownQuestion(asked: Asked, effect: EffectRecord): EffectQuestion {
  return question(
    asked,
    `It is not known whether this call of "${asked.tool}" took effect: the worker that began it at ${effect.createdAt} did not record an outcome. Look it up, then: approve to make the call (again), reject to leave it as it is and answer for it with your message.`,
  );
}

/** Asks whether a changed call is a further effect, or stands for one that was done. */
export function replanQuestion(asked: Asked, candidates: readonly EffectRecord[]): EffectQuestion {
  const done = candidates.map((candidate) => {
    const { args } = candidate.request as { args?: unknown };
    const result = plainResult(candidate);
    const outcome = result === undefined ? candidate.status : JSON.stringify(result).slice(0, 500);
    return `- ${JSON.stringify(args)} (${candidate.createdAt}): ${outcome}`;
  });
  return question(
    asked,
    `An earlier attempt of this execution called "${asked.tool}" with other arguments:\n${done.join("\n")}\nApprove to make this call as well, as a further effect; reject to take the recorded result in its place, or to answer with your message.`,
  );
}

function question({ tool, args }: Asked, description: string): EffectQuestion {
  return {
    actionRequests: [{ name: tool, args, description }],
    reviewConfigs: [{ actionName: tool, allowedDecisions: ["approve", "reject"] }],
  };
}

/** Reads a decision; undefined where what came is none, so that it is asked again. */
export function readAnswer(came: unknown): EffectAnswer | undefined {
  if (typeof came !== "object" || came === null) return undefined;
  const { decisions }: { decisions?: unknown } = came;
  const decision: unknown = Array.isArray(decisions) ? decisions[0] : came;
  if (typeof decision !== "object" || decision === null) return undefined;
  const { type, message }: { type?: unknown; message?: unknown } = decision;
  if (type !== "approve" && type !== "reject") return undefined;
  return { type, message: typeof message === "string" ? message : undefined };
}

/** The recorded effect whose arguments are most like these; the earliest of equals. */
export function closest(
  args: Record<string, unknown>,
  candidates: readonly EffectRecord[],
): EffectRecord | undefined {
  const likeness = ({ request }: EffectRecord): number => {
    const { args: theirs } = request as { args?: Record<string, unknown> };
    return Object.entries(args).filter(
      ([name, value]) => JSON.stringify(theirs?.[name]) === JSON.stringify(value),
    ).length;
  };
  return candidates.toSorted((a, b) => likeness(b) - likeness(a))[0];
}
