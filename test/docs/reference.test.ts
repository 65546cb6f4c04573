import { readFile } from "node:fs/promises";
import { join } from "node:path";

import {
  EXECUTION_CHANNEL,
  FAILURE_CLASSES,
  isEvenkeelMiddleware,
  memoryStore,
} from "@evenkeel/core";
import { startLangSmithEndpoint } from "@evenkeel/testing";
import { Client } from "langsmith";
import { describe, expect, test } from "vitest";

import { CONCERNS } from "../support/packages.ts";
import { root } from "../support/source-examples.ts";
import { sourceFiles } from "../support/source-files.ts";

const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");

/** The cells of a page's tables, row by row. */
const rowsOf = (page: string): string[][] =>
  page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

test("the reference of state names every private channel, with the middleware that keeps it", async () => {
  const rows = rowsOf(await read("docs/reference/state.md"));
  const listed = rows.flatMap(([channel = "", by = ""]) =>
    channel.startsWith("`_") ? [`${channel.replaceAll("`", "")} ${by.replaceAll("`", "")}`] : [],
  );
  const store = memoryStore();
  const declared = CONCERNS.flatMap(({ name, create }) => {
    const middleware = create(store);
    const channels = isEvenkeelMiddleware(middleware)
      ? Object.keys(middleware["~evenkeel"].definition.state ?? {})
      : [];
    return channels.map((channel) => `${channel} ${name}`);
  });
  expect(listed.toSorted()).toEqual([...declared, `${EXECUTION_CHANNEL} core`].toSorted());
});

test("the reference of events names every event there is, and who emits it", async () => {
  const rows = rowsOf(await read("docs/reference/events.md"));
  const listed = new Map(
    rows.flatMap(([event = "", , by = ""]) =>
      /^`[a-z-]+`$/.test(event) ? [[event.replaceAll("`", ""), by.replaceAll("`", "")]] : [],
    ),
  );
  const source = await read("packages/core/src/event/event.ts");
  const [, union = ""] = /EvenkeelEventName =([\s\S]*?);/.exec(source) ?? [];
  const names = [...union.matchAll(/"([a-z-]+)"/g)].map(([, name = ""]) => name);
  expect([...listed.keys()].toSorted()).toEqual(names.toSorted());

  const folderOf = new Map(CONCERNS.map(({ name, folder }) => [name, folder]));
  for (const [event, by] of listed) {
    if (by === "each") continue;
    const folders = by === "" ? ["core", ...folderOf.values()] : [folderOf.get(by) ?? by];
    const files = (await Promise.all(folders.map(sourceFiles))).flat();
    const emitting = files.filter(
      ({ path, text }) => path !== "src/event/event.ts" && text.includes(`"${event}"`),
    );
    expect(emitting.length > 0, `${event} by ${by || "nobody"}`).toBe(by !== "");
  }
});

test("the reference of failures is the taxonomy", async () => {
  const rows = rowsOf(await read("docs/reference/failures.md")).slice(2);
  const listed = rows.map((row) => row.map((cell) => cell.replaceAll("`", "")));
  const known = Object.entries(FAILURE_CLASSES).map(([name, traits]) => [
    name,
    traits.severity,
    traits.recoverable ? "yes" : "no",
    traits.remedy,
  ]);
  expect(listed).toEqual(known);
});

describe("the filters for LangSmith", () => {
  const filtersOf = async (): Promise<string[]> =>
    rowsOf(await read("docs/langsmith-filters.md"))
      .slice(2)
      .map(([, , filter = ""]) => filter.replaceAll("`", ""));

  test("are well formed", async () => {
    const endpoint = await startLangSmithEndpoint();
    const client = new Client({ apiUrl: endpoint.url, apiKey: "none-needed" });
    const { id } = await client.createProject({ projectName: "shop" });
    const filters = await filtersOf();
    expect(filters.length).toBeGreaterThan(12);
    const asked = async (filter: string): Promise<number> => {
      let found = 0;
      for await (const _run of client.runs.query({ project_ids: [id], filter })) found += 1;
      return found;
    };
    for (const filter of filters) expect(await asked(filter), filter).toBe(0);
    await expect(asked("and(has(tags")).rejects.toThrow(/400/);
    await endpoint.close();
  });

  test("search for what the packages write", async () => {
    const files = await Promise.all(
      ["core", ...CONCERNS.map(({ folder }) => folder)].map(sourceFiles),
    );
    const sources = files
      .flat()
      .map(({ text }) => text)
      .join("\n");
    const page = await read("docs/langsmith-filters.md");
    const keys = [...page.matchAll(/metadata_key, "(\w+)"/g)].map(([, key = ""]) => key);
    const events = [...page.matchAll(/evenkeel:([a-z-]+)"/g)].map(([, event = ""]) => event);
    // Everyone's own: LangGraph writes the thread.
    const ours = new Set(keys.filter((key) => key !== "thread_id"));
    expect([...ours].filter((key) => !sources.includes(key))).toEqual([]);
    for (const event of new Set(events)) expect(sources, event).toContain(`"${event}"`);
  });
});
