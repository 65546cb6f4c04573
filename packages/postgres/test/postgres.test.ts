import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { freshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import type { FreshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import { pgliteDatabase } from "../../testing/src/postgres/pglite-database.ts";
import type { PgliteDatabase } from "../../testing/src/postgres/pglite-database.ts";
import { testStore } from "../../testing/src/store/test-store.ts";
import { evenkeelPostgres } from "../src/postgres.ts";
import type { EvenkeelPostgres } from "../src/postgres.ts";
import { xorCodec } from "./xor-codec.ts";

describe("on a Postgres server", () => {
  let database: FreshDatabase;
  let plain: EvenkeelPostgres;
  let sealed: EvenkeelPostgres;

  beforeAll(async () => {
    database = await freshDatabase();
    const schema = database.schema ?? "evenkeel";
    plain = evenkeelPostgres(database.pool, { schema });
    sealed = evenkeelPostgres(database.pool, { schema: `${schema}_sealed`, codec: xorCodec });
    await plain.setup();
    await sealed.setup();
  });

  afterAll(() => database.drop());

  it.each(testStore({ create: () => plain }))("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it.each(testStore({ create: () => sealed }))("encrypted: $name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("on PGlite", () => {
  let database: PgliteDatabase;
  let store: EvenkeelPostgres;

  beforeAll(async () => {
    database = await pgliteDatabase();
    store = evenkeelPostgres(database.pool);
    await store.setup();
  });

  afterAll(() => database.stop());

  it.each(testStore({ create: () => store }))("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
