import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

import { freshDatabase } from "../../testing/src/fresh-database.ts";
import type { FreshDatabase } from "../../testing/src/fresh-database.ts";
import { startOpenAIEndpoint } from "../../testing/src/openai-endpoint.ts";
import type { OpenAIEndpoint } from "../../testing/src/openai-endpoint.ts";
import { runCase, script, titleOf } from "./support/freeze-case.ts";
import type { FreezeCase } from "./support/freeze-case.ts";
import { SHAPES } from "./support/shapes.ts";

let endpoint: OpenAIEndpoint;
let database: FreshDatabase;
beforeAll(async () => {
  [endpoint, database] = await Promise.all([startOpenAIEndpoint({ script }), freshDatabase()]);
  await new PostgresSaver(database.pool, undefined, {
    schema: database.schema ?? "public",
  }).setup();
});
afterAll(async () => {
  await endpoint.close();
  await database.drop();
});
const cases: FreezeCase[] = (SHAPES).flatMap((shape) =>
  (["model", "first model call", "tool", "between steps", "interrupt", "fork"] as const).flatMap(
    (cut) =>
      [true].map((frozen): FreezeCase => ({ shape, cut, durability: "async", frozen })),
  ),
);
test.each(cases.map((one) => [titleOf(one), one] as const))("%s", async (title, one) => {
  const started = performance.now();
  const { before, after, text } = await runCase(one, { endpoint, database });
  const rows: string[] = [];
  for (const site of new Set([...before.keys(), ...after.keys()])) {
    const first = before.get(site)?.[0];
    const later = after.get(site) ?? [];
    rows.push(
      `${site} ${before.get(site)?.length ?? 0}+${later.length} rest=${later.filter((p) => p.rest === first?.rest).length} prompt=${later.filter((p) => p.prompt === first?.prompt).length}`,
    );
  }
  console.log(title, "|", rows.join(" | "), "|", text, Math.round(performance.now() - started));
  expect(1).toBe(1);
});
