import { evenkeelPostgres } from "@evenkeel/postgres";
import type { EvenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase, startLangSmithEndpoint, startOpenAIEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint, OpenAIEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import { startPaymentService } from "../../../packages/tool-idempotency/test/support/payment-service.ts";
import type { PaymentService } from "../../../packages/tool-idempotency/test/support/payment-service.ts";
import type { EverythingJob } from "./job.ts";
import { script } from "./script.ts";

/** What all processes of a matrix meet. */
export interface EverythingStage {
  readonly endpoint: OpenAIEndpoint;
  readonly langsmith: LangSmithEndpoint;
  readonly payments: PaymentService;
  readonly store: EvenkeelPostgres;
  /** The part of a job that all of them share. */
  readonly shared: Pick<
    EverythingJob,
    "model" | "payments" | "langsmith" | "database" | "schema" | "evenkeel"
  >;
  close(): Promise<void>;
}

/** Opens the world on free ports and a database of its own. */
export async function everythingStage(): Promise<EverythingStage> {
  const [endpoint, langsmith, database] = await Promise.all([
    startOpenAIEndpoint({ script }),
    startLangSmithEndpoint(),
    freshDatabase({ maxConnections: 6 }),
  ]);
  const schema = database.schema ?? "public";
  const evenkeel = `${database.schema ?? "evenkeel"}_everything`;
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  const store = evenkeelPostgres(database.pool, { schema: evenkeel });
  await store.setup();
  const payments = await startPaymentService(database.pool, evenkeel);
  return {
    endpoint,
    langsmith,
    payments,
    store,
    shared: {
      model: endpoint.url,
      payments: payments.url,
      langsmith: langsmith.url,
      database: database.url,
      schema,
      evenkeel,
    },
    close: async () => {
      await Promise.all([endpoint.close(), langsmith.close(), payments.close()]);
      await database.drop();
    },
  };
}
