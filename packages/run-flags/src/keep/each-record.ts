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
    const last = page.at(-1);
    // A store of one's own that knows nothing of pages would give the same one for ever.
    if (last === undefined || (before !== undefined && !comesAfter(last, before))) return;
    yield* page;
    read += page.length;
    before = { startedAt: last.startedAt, executionId: last.executionId };
  }
}

type Place = Pick<RunRecord, "startedAt" | "executionId">;

function comesAfter(one: Place, other: Place): boolean {
  const earlier = Date.parse(other.startedAt) - Date.parse(one.startedAt);
  return earlier > 0 || (earlier === 0 && one.executionId !== other.executionId);
}
