import { EndpointError } from "../endpoint/endpoint-error.ts";

/** The slice of a list that `offset` and `limit` of a query ask for. */
export function page<Item>(items: readonly Item[], query: URLSearchParams): readonly Item[] {
  const offset = Number(query.get("offset") ?? 0);
  const limit = Number(query.get("limit") ?? 100);
  return items.slice(offset, offset + limit);
}

/** One page of a list that is read by cursor, and the cursor of the next; empty at the end. */
export function cursorPage<Item>(
  items: readonly Item[],
  cursor: string | undefined,
  size: number,
): { items: readonly Item[]; next: string } {
  const start = cursor === undefined || cursor === "" ? 0 : readCursor(cursor);
  const end = start + size;
  return { items: items.slice(start, end), next: end < items.length ? writeCursor(end) : "" };
}

function writeCursor(start: number): string {
  return Buffer.from(`from:${start}`).toString("base64url");
}

function readCursor(cursor: string): number {
  const start = /^from:(\d+)$/.exec(Buffer.from(cursor, "base64url").toString())?.[1];
  if (start !== undefined) return Number(start);
  throw new EndpointError("invalid-request", `"${cursor}" is no cursor of ours`, { status: 400 });
}
