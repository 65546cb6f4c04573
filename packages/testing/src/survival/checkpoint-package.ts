import type * as PostgresCheckpoint from "@langchain/langgraph-checkpoint-postgres";
import type * as PostgresStores from "@langchain/langgraph-checkpoint-postgres/store";

import { SurvivalError } from "./survival-error.ts";

/** The two classes of LangGraph's Postgres package, which is no dependency of this one. */
export async function checkpointPackage(): Promise<
  Pick<typeof PostgresCheckpoint, "PostgresSaver"> & Pick<typeof PostgresStores, "PostgresStore">
> {
  try {
    const [{ PostgresSaver }, { PostgresStore }] = await Promise.all([
      import("@langchain/langgraph-checkpoint-postgres"),
      import("@langchain/langgraph-checkpoint-postgres/store"),
    ]);
    return { PostgresSaver, PostgresStore };
  } catch (error) {
    throw new SurvivalError({
      code: "package-missing",
      message:
        'expectSurvives keeps the graph on Postgres, and the package "@langchain/langgraph-checkpoint-postgres" is not installed. Install it as a development dependency, or compile the graph with a durable checkpointer and pass `ownCheckpointer: true`.',
      cause: error,
    });
  }
}
