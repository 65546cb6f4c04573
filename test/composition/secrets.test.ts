import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

import { redactTraces } from "@evenkeel/core";
import type { EvenkeelEvent, StoreCodec } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase, startLangSmithEndpoint, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, LangSmithEndpoint, OpenAIEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Client } from "langsmith";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { KINDS, SECRETS, leaks, script, vaultAgent, vaultConfig } from "./vault.ts";

const MODES = ["values", "updates", "messages", "custom", "debug", "checkpoints", "tasks"];

/** Where secrets lie, as `place: secret`. */
type Places = readonly string[];

interface Seen {
  /** In LangGraph's tables, by channel. */
  readonly checkpoints: Places;
  /** In Evenkeel's tables, by column, and how many rows each table has. */
  readonly tables: Places;
  readonly rows: Readonly<Record<string, number>>;
  /** In streams, by mode. */
  readonly streams: Places;
  readonly events: readonly EvenkeelEvent[];
  /** In traces, by run and field. */
  readonly traces: Places;
  readonly sent: string;
}

interface Wanted {
  readonly kind: (typeof KINDS)[number];
  readonly evenkeel: boolean;
  readonly codec?: StoreCodec;
  readonly redacted?: boolean;
}

let database: FreshDatabase;
let openai: OpenAIEndpoint;
let langsmith: LangSmithEndpoint;
let saver: PostgresSaver;
let runs = 0;
beforeAll(async () => {
  [database, openai, langsmith] = await Promise.all([
    freshDatabase(),
    startOpenAIEndpoint({ script }),
    startLangSmithEndpoint(),
  ]);
  saver = new PostgresSaver(database.pool, undefined, { schema: database.schema ?? "public" });
  await saver.setup();
});
afterAll(async () => {
  await Promise.all([openai.close(), langsmith.close()]);
  await database.drop();
});

/** Runs an agent to its end, the bare one by taking it up again where it failed, and looks everywhere. */
async function run({ kind, evenkeel, codec, redacted = false }: Wanted): Promise<Seen> {
  runs += 1;
  const schema = `${database.schema ?? "evenkeel"}_${runs}`;
  const store = evenkeelPostgres(database.pool, {
    schema,
    ...(codec === undefined ? {} : { codec }),
  });
  if (evenkeel) await store.setup();
  langsmith.clear();
  const plain = new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" });
  const client = redacted ? redactTraces(plain) : plain;
  const events: EvenkeelEvent[] = [];
  const agent = vaultAgent({
    kind,
    modelUrl: openai.url,
    checkpointer: saver,
    ...(evenkeel ? { store, onEvent: (event) => void events.push(event) } : {}),
  });
  const threadId = `thread ${runs}`;
  const config = {
    ...vaultConfig(threadId),
    callbacks: [new LangChainTracer({ client })],
    streamMode: MODES,
  };
  const streams = new Set<string>();
  let input: unknown = { messages: [{ role: "user", content: `My key is ${SECRETS.user}.` }] };
  for (let ended = false, tries = 0; !ended && tries < 3; tries += 1) {
    try {
      for await (const [mode, chunk] of await agent.stream(input, config)) {
        for (const secret of leaks(JSON.stringify(chunk))) streams.add(`${mode}: ${secret}`);
      }
      ended = true;
    } catch (error) {
      if (evenkeel) throw error;
      input = null;
    }
  }
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  return {
    checkpoints: await inCheckpoints(threadId),
    ...(evenkeel ? await inTables(schema) : { tables: [], rows: {} }),
    streams: [...streams],
    events,
    traces: [
      ...new Set(
        langsmith.runs.flatMap(({ name, inputs, outputs, error, metadata, tags, events: told }) =>
          placesOf(name, { inputs, outputs, error, metadata, tags, events: told }),
        ),
      ),
    ],
    sent: JSON.stringify(langsmith.requests),
  };
}

function placesOf(prefix: string, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    leaks(textOf(value)).map((secret) => `${prefix}.${name}: ${secret}`),
  );
}

function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString("utf8") : (JSON.stringify(value) ?? "");
}

/** Channels and columns of LangGraph's tables that hold secrets. */
async function inCheckpoints(threadId: string): Promise<string[]> {
  const places = new Set<string>();
  for (const table of ["checkpoints", "checkpoint_blobs", "checkpoint_writes"]) {
    const { rows } = await database.pool.query<Record<string, unknown>>(
      `SELECT * FROM "${database.schema ?? "public"}".${table} WHERE thread_id = $1`,
      [threadId],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { channel, ...row } of rows) {
      for (const place of placesOf(`${table}.${String(channel ?? "")}`, row)) places.add(place);
    }
  }
  return [...places];
}

/** Columns of Evenkeel's tables that hold secrets: every table and sequence its schema has. */
async function inTables(schema: string): Promise<Pick<Seen, "tables" | "rows">> {
  const { rows: relations } = await database.pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = $1 AND relkind IN ('r', 'S', 'v', 'm', 'p')`,
    [schema],
  );
  const counts: Record<string, number> = {};
  const places = new Set<string>();
  for (const { name } of relations) {
    const { rows } = await database.pool.query<Record<string, unknown>>(
      `SELECT * FROM "${schema}"."${name}"`,
    );
    counts[name] = rows.length;
    for (const row of rows) for (const place of placesOf(name, row)) places.add(place);
  }
  return { tables: [...places].toSorted(), rows: counts };
}

/** What the second has and the first has not. */
const added = (before: Places, after: Places): string[] =>
  after.filter((place) => !before.includes(place));

/** AES-256-GCM, as a deployment would bring it. */
function aes(): StoreCodec {
  const key = randomBytes(32);
  return {
    encrypt: (plain) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },
    decrypt: (sealed) => {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
    },
  };
}

// What a call is replayed from, and nothing else: docs/security.md says so.
const INHERENT = [
  "effects.body: argument",
  "effects.body: argumentText",
  "effects.result: receipt",
  "result_chunks.bytes: large",
];

describe.each(KINDS)("secrets planted around a %s", (kind) => {
  let bare: Seen;
  let ours: Seen;
  beforeAll(async () => {
    bare = await run({ kind, evenkeel: false });
    ours = await run({ kind, evenkeel: true });
  });

  test("are found where the bare graph leaves them, so that what is not found is not there", () => {
    const model = JSON.stringify(openai.requests);
    expect(leaks(model)).toEqual(
      expect.arrayContaining(["prompt", "user", "argument", "result", "large", "receipt"]),
    );
    expect(bare.checkpoints).toEqual(
      expect.arrayContaining([
        "checkpoint_writes.messages.blob: argument",
        "checkpoint_blobs.messages.blob: receipt",
        "checkpoint_writes.__error__.blob: error",
      ]),
    );
    expect(bare.streams).toEqual(expect.arrayContaining(["values: user", "tasks: resultText"]));
    expect(bare.traces).toEqual(
      expect.arrayContaining(["fetch.error: error", "ChatOpenAI.inputs: prompt"]),
    );
  });

  test("every part of Evenkeel had something to write", () => {
    const { audit: _byPeople, ...rows } = ours.rows;
    const empty = Object.entries(rows).flatMap(([table, count]) => (count === 0 ? [table] : []));
    expect(empty).toEqual([]);
    const names = new Set(ours.events.map(({ name }) => name));
    expect(names).toContain("config-frozen");
    expect(names).toContain("attempt-failed");
    expect(names).toContain("effect-reused");
    expect(names).toContain("breaker-opened");
  });

  test("stand in no channel of a checkpoint that the bare graph does not put them in", () => {
    expect(added(bare.checkpoints, ours.checkpoints)).toEqual([]);
    expect(ours.checkpoints.filter((place) => /\._[a-z]/i.test(place))).toEqual([]);
    // Fewer: the error of the failed attempt is written without them.
    expect(ours.checkpoints.filter((place) => place.includes("__error__"))).toEqual([]);
  });

  test("stand in no table of Evenkeel but in what a call is replayed from", () => {
    expect(ours.tables).toEqual(INHERENT);
  });

  test("stand in no table at all with a codec", async () => {
    const { tables, rows } = await run({ kind, evenkeel: true, codec: aes() });
    expect(rows["effects"]).toBeGreaterThan(0);
    expect(tables).toEqual([]);
  });

  test("are in no event, and in no stream that the bare graph does not show them in", () => {
    expect(leaks(JSON.stringify(ours.events))).toEqual([]);
    expect(added(bare.streams, ours.streams)).toEqual([]);
    expect(ours.streams.filter((place) => place.startsWith("custom"))).toEqual([]);
  });

  test("are in no run of a trace that the bare graph does not send them in", () => {
    expect(added(bare.traces, ours.traces)).toEqual([]);
  });

  test("are in nothing that is sent to LangSmith with redactTraces()", async () => {
    const { sent, traces } = await run({ kind, evenkeel: true, redacted: true });
    expect(leaks(sent)).toEqual([]);
    expect(traces).toEqual([]);
    expect(leaks(ours.sent).length).toBeGreaterThan(0);
  });
});
