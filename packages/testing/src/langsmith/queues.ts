import { EndpointError } from "../endpoint/endpoint-error.ts";
import { notFound } from "../endpoint/http-routes.ts";
import { type JsonRecord, requireText, textOf } from "./json-record.ts";
import type { LangSmithRun } from "./run.ts";

/** A run, or a thread, that waits in a queue for its reviewer. */
export interface LangSmithQueueItem {
  readonly id: string;
  readonly queue_id: string;
  readonly item_type: "RUN" | "THREAD";
  readonly run_id?: string;
  readonly thread_id?: string;
  readonly project_id?: string;
  readonly start_time?: string;
  readonly added_at: string;
  readonly status: "needs_my_review" | "archived";
}

/** A queue of runs for review. */
export interface LangSmithQueue {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly rubric_instructions: string | null;
  readonly rubric_items: unknown;
  readonly created_at: string;
  readonly updated_at: string;
  readonly items: readonly LangSmithQueueItem[];
}

/** The annotation queues of an endpoint. */
export interface QueueStore {
  readonly all: () => readonly LangSmithQueue[];
  readonly existing: (id: string | undefined) => LangSmithQueue;
  readonly create: (given: JsonRecord) => LangSmithQueue;
  readonly change: (id: string | undefined, changes: JsonRecord) => LangSmithQueue;
  readonly delete: (id: string | undefined) => void;
  /** Adds what is not in the queue yet, and gives the items for everything named. */
  readonly add: (
    id: string | undefined,
    entries: readonly JsonRecord[],
  ) => readonly LangSmithQueueItem[];
  readonly setStatus: (
    itemId: string | undefined,
    status: LangSmithQueueItem["status"],
  ) => LangSmithQueueItem;
  /** Takes out the items with these ids, or the ids of their runs. */
  readonly remove: (id: string | undefined, itemIds: readonly string[]) => void;
  readonly clear: () => void;
}

export interface QueueStoreOptions {
  /** The run, or an error where runs must be there before they are queued. */
  runFor: (runId: string) => LangSmithRun | undefined;
  tenantId: string;
  createId: () => string;
  now: () => number;
}

/** Starts a store without queues. */
export function createQueueStore(options: QueueStoreOptions): QueueStore {
  const { runFor, tenantId, createId, now } = options;
  const queues = new Map<string, LangSmithQueue>();
  const time = () => new Date(now()).toISOString();

  function existing(id: string | undefined): LangSmithQueue {
    const queue = queues.get(id ?? "");
    if (queue === undefined) throw notFound(`annotation queue ${id} does not exist`);
    return queue;
  }
  function itemFor(queue: LangSmithQueue, entry: JsonRecord): LangSmithQueueItem {
    const threadId = textOf(entry["thread_id"]);
    const base = { id: createId(), queue_id: queue.id, added_at: time() };
    if (threadId !== undefined) {
      const project = requireText(entry, "project_id");
      const thread = { thread_id: threadId, project_id: project };
      return { ...base, item_type: "THREAD", status: "needs_my_review", ...thread };
    }
    const runId = requireText(entry, "run_id");
    const run = runFor(runId);
    const projectId = textOf(entry["session_id"]) ?? textOf(entry["project_id"]) ?? run?.session_id;
    const startTime = textOf(entry["start_time"]) ?? run?.start_time;
    return {
      ...base,
      item_type: "RUN",
      status: "needs_my_review",
      run_id: runId,
      ...(projectId === undefined ? {} : { project_id: projectId }),
      ...(startTime === undefined ? {} : { start_time: startTime }),
    };
  }

  return {
    all: () => [...queues.values()],
    existing,
    create: (given) => {
      const id = textOf(given["id"]) ?? createId();
      if (queues.has(id)) {
        throw new EndpointError("conflict", `annotation queue ${id} exists`, { status: 409 });
      }
      const queue: LangSmithQueue = {
        id,
        tenant_id: tenantId,
        name: requireText(given, "name"),
        description: textOf(given["description"]) ?? null,
        rubric_instructions: textOf(given["rubric_instructions"]) ?? null,
        rubric_items: given["rubric_items"] ?? null,
        created_at: time(),
        updated_at: time(),
        items: [],
      };
      queues.set(id, queue);
      return queue;
    },
    change: (id, changes) => {
      const queue = existing(id);
      const { id: queueId, items } = queue;
      const changed = { ...queue, ...changes, id: queueId, items, updated_at: time() };
      queues.set(queueId, changed);
      return changed;
    },
    delete: (id) => {
      queues.delete(existing(id).id);
    },
    add: (id, entries) => {
      const queue = existing(id);
      // All items are made before any is added: one unknown run refuses the whole request.
      const named = entries.map((entry) => {
        const item = itemFor(queue, entry);
        return queue.items.find((known) => isSame(known, item)) ?? item;
      });
      const fresh = named.filter(
        (item, index) =>
          !queue.items.includes(item) && named.findIndex((other) => isSame(other, item)) === index,
      );
      queues.set(queue.id, { ...queue, items: [...queue.items, ...fresh] });
      return named;
    },
    setStatus: (itemId, status) => {
      for (const queue of queues.values()) {
        const item = queue.items.find((candidate) => candidate.id === itemId);
        if (item === undefined) continue;
        const changed = { ...item, status };
        const items = queue.items.map((candidate) => (candidate === item ? changed : candidate));
        queues.set(queue.id, { ...queue, items });
        return changed;
      }
      throw notFound(`queue item ${itemId} does not exist`);
    },
    remove: (id, itemIds) => {
      const queue = existing(id);
      const items = queue.items.filter(
        (item) => !itemIds.includes(item.id) && !itemIds.includes(item.run_id ?? ""),
      );
      queues.set(queue.id, { ...queue, items });
    },
    clear: () => queues.clear(),
  };
}

function isSame(a: LangSmithQueueItem, b: LangSmithQueueItem): boolean {
  return a.run_id === b.run_id && a.thread_id === b.thread_id;
}
