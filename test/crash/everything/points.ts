import type { EvenkeelStore } from "@evenkeel/core";
import type { RunnableConfig } from "@langchain/core/runnables";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import { crashPoint } from "../../../packages/testing/src/crash/crash-point.ts";

/** How often each point of this process was passed. */
export const points: Record<string, number> = {};

/** A place where the process dies if it is told to. */
export function point(name: string): void {
  points[name] = (points[name] ?? 0) + 1;
  crashPoint(name);
}

/** Does some work between two points. */
export async function around<Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> {
  point(`${name}:before`);
  const answer = await work();
  point(`${name}:after`);
  return answer;
}

/** Dies before and after each checkpoint, and what tasks wrote beside one. */
export class CrashingSaver extends PostgresSaver {
  override put(...parameters: Parameters<PostgresSaver["put"]>): Promise<RunnableConfig> {
    return around("put", () => super.put(...parameters));
  }

  override putWrites(...parameters: Parameters<PostgresSaver["putWrites"]>): Promise<void> {
    return around("putWrites", () => super.putWrites(...parameters));
  }
}

/** What the stack asks its store for where something is decided; renewals go by the clock. */
const ASKED = [
  "acquireLease",
  "releaseLease",
  "putManifest",
  "putRecord",
  "replaceRecord",
  "appendEvents",
  "claimEffect",
  "settleEffect",
] as const;

/** The store the product has, with a place to die before and after each thing it is asked. */
export function crashingStore(store: EvenkeelStore): EvenkeelStore {
  const { settleInTransaction } = store;
  const asked = ASKED.map((name) => {
    const method = store[name] as (...parameters: unknown[]) => Promise<unknown>;
    return [name, (...parameters: unknown[]) => around(name, () => method(...parameters))];
  });
  return {
    ...store,
    ...(Object.fromEntries(asked) as Pick<EvenkeelStore, (typeof ASKED)[number]>),
    writeResult(owner, startedAt) {
      const writer = store.writeResult(owner, startedAt);
      return { ...writer, commit: (kept) => around("writeResult", () => writer.commit(kept)) };
    },
    ...(settleInTransaction === undefined
      ? {}
      : {
          settleInTransaction: async (claim, work) => {
            const kept = await settleInTransaction(claim, async (transaction) => {
              const settlement = await work(transaction);
              point("settleInTransaction:before");
              return settlement;
            });
            point("settleInTransaction:after");
            return kept;
          },
        }),
  };
}
