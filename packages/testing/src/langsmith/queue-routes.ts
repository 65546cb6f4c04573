import { notFound, type Route } from "../endpoint/http-routes.ts";
import { isRecord, recordOf, requireRecord, textsOf } from "./json-record.ts";
import { cursorPage, page } from "./page.ts";
import type { LangSmithQueue, LangSmithQueueItem, QueueStore } from "./queues.ts";
import { type FeedbackOf, runV1 } from "./run-view.ts";
import type { LangSmithRun } from "./run.ts";

/** The routes of annotation queues: those of the hand-written client and of the generated one. */
export function queueRoutes(options: {
  queues: QueueStore;
  runById: (id: string) => LangSmithRun | undefined;
  feedbackOf: FeedbackOf;
}): Route[] {
  const { queues, runById, feedbackOf } = options;

  const queuedRun = (item: LangSmithQueueItem): Record<string, unknown> => {
    const run = runById(item.run_id ?? "");
    const { added_at, id: queue_run_id, status } = item;
    const fields = run === undefined ? { id: item.run_id } : runV1(run, feedbackOf);
    return { ...fields, added_at, queue_run_id, status };
  };

  return [
    [
      "POST /annotation-queues",
      ({ body }) => ({ body: shown(queues.create(requireRecord(body))) }),
    ],
    [
      "GET /annotation-queues",
      ({ query }) => {
        const [ids, name, part] = [
          query.getAll("ids"),
          query.get("name"),
          query.get("name_contains"),
        ];
        const found = queues
          .all()
          .filter(
            (queue) =>
              (ids.length === 0 || ids.includes(queue.id)) &&
              (name === null || queue.name === name) &&
              (part === null || queue.name.includes(part)),
          );
        return { body: page(found.map(shown), query) };
      },
    ],
    [
      "GET /annotation-queues/:queue",
      ({ parameters }) => ({ body: shown(queues.existing(parameters["queue"])) }),
    ],
    [
      "PATCH /annotation-queues/:queue",
      ({ parameters, body }) => ({
        body: shown(queues.change(parameters["queue"], requireRecord(body))),
      }),
    ],
    [
      "DELETE /annotation-queues/:queue",
      ({ parameters }) => {
        queues.delete(parameters["queue"]);
        return { body: {} };
      },
    ],
    [
      "POST /annotation-queues/:queue/runs",
      ({ parameters, body }) => {
        const entries = textsOf(body).map((run_id) => ({ run_id }));
        return { body: queues.add(parameters["queue"], entries) };
      },
    ],
    [
      "POST /annotation-queues/:queue/runs/by-key",
      ({ parameters, body }) => {
        const entries = (Array.isArray(body) ? body : []).filter(isRecord);
        return { body: queues.add(parameters["queue"], entries) };
      },
    ],
    [
      "GET /annotation-queues/:queue/runs",
      ({ parameters, query }) => {
        const status = query.get("status");
        const items = runItems(queues.existing(parameters["queue"])).filter(
          (item) => status === null || (status === "archived") === (item.status === "archived"),
        );
        return { body: page(items.map(queuedRun), query) };
      },
    ],
    [
      "GET /annotation-queues/:queue/run/:index",
      ({ parameters }) => {
        const item = runItems(queues.existing(parameters["queue"]))[Number(parameters["index"])];
        if (item === undefined) throw notFound(`no run at ${parameters["index"]} of the queue`);
        return { body: queuedRun(item) };
      },
    ],
    [
      "DELETE /annotation-queues/:queue/runs/:run",
      ({ parameters }) => {
        queues.remove(parameters["queue"], [parameters["run"] ?? ""]);
        return { body: {} };
      },
    ],
    [
      "GET /annotation-queues/:queue/size",
      ({ parameters }) => ({ body: { size: queues.existing(parameters["queue"]).items.length } }),
    ],
    [
      "GET /annotation-queues/:run/queues",
      ({ parameters }) => {
        const holds = (queue: LangSmithQueue) =>
          queue.items.some((item) => item.run_id === parameters["run"]);
        return { body: queues.all().filter(holds).map(shown) };
      },
    ],
    [
      "POST /platform/annotation-queues/:queue/items",
      ({ parameters, body }) => {
        const { items } = requireRecord(body);
        const entries = (Array.isArray(items) ? items : []).filter(isRecord);
        return { body: { items: queues.add(parameters["queue"], entries) } };
      },
    ],
    [
      "GET /platform/annotation-queues/:queue/items",
      ({ parameters, query }) => {
        const { items } = queues.existing(parameters["queue"]);
        const wanted = query.get("status") ?? "needs_my_review";
        const type = query.get("item_type");
        const found = items.filter(
          (item) => item.status === wanted && (type === null || item.item_type === type),
        );
        const size = Number(query.get("page_size") ?? 100);
        const { items: shownItems, next } = cursorPage(found, query.get("cursor") ?? "", size);
        return { body: { items: shownItems, next_cursor: next } };
      },
    ],
    [
      "GET /platform/annotation-queues/:queue/items/count",
      ({ parameters, query }) => {
        const { items } = queues.existing(parameters["queue"]);
        const status = query.get("status") ?? "all";
        const count = items.filter((item) => status === "all" || item.status === status).length;
        return { body: { count } };
      },
    ],
    [
      "POST /platform/annotation-queues/items/:item/status",
      ({ parameters, body }) => {
        const { status } = recordOf(body);
        const done = status === "completed" ? "archived" : "needs_my_review";
        const item = queues.setStatus(parameters["item"], done);
        return { body: { queue_item_id: item.id, status, is_archived: done === "archived" } };
      },
    ],
    [
      "POST /platform/annotation-queues/:queue/items/delete",
      ({ parameters, body }) => {
        queues.remove(parameters["queue"], textsOf(recordOf(body)["item_ids"]));
        return { body: {} };
      },
    ],
  ];
}

function runItems(queue: LangSmithQueue): LangSmithQueueItem[] {
  return queue.items.filter((item) => item.item_type === "RUN");
}

function shown({ items, ...queue }: LangSmithQueue): Record<string, unknown> {
  return { ...queue, source_rule_id: null, num_reviewers_per_item: 1, run_count: items.length };
}
