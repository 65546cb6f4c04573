import type { RecordStore, RunRecord } from "@evenkeel/core";

const PAGE = 200;

/** Records newest first, page by page, however many there are; `most` at most. */
export async function* eachRecord(
  store: Pick<RecordStore, "listRecords">,
  query: Omit<Parameters<RecordStore["listRecords"]>[0], "limit">,
  most: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<RunRecord, void, undefined> {
  let { before } = query;
  for (let read = 0; read < most;) {
    const page = await store.listRecords({
      ...query,
      ...(before === undefined ? {} : { before }),
      limit: Math.min(PAGE, most - read),
    });
    const [first, last] = [page[0], page.at(-1)];
    // A store of one's own that knows nothing of pages would give the first one for ever.
    if (last === undefined || first?.executionId === before?.executionId) return;
    yield* page;
    read += page.length;
    before = { startedAt: last.startedAt, executionId: last.executionId };
  }
}
