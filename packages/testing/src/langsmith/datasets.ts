import { EndpointError } from "../endpoint/endpoint-error.ts";
import { notFound, type Route } from "../endpoint/http-routes.ts";
import {
  isRecord,
  type JsonRecord,
  recordOf,
  requireRecord,
  requireText,
  textOf,
} from "./json-record.ts";
import { parseMultipart, partJson } from "./multipart.ts";
import { page } from "./page.ts";

/** A dataset. */
interface LangSmithDataset {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly data_type: string;
  readonly created_at: string;
  readonly modified_at: string;
  readonly extra: JsonRecord;
}

/** An example of a dataset. */
interface LangSmithExample {
  readonly id: string;
  readonly dataset_id: string;
  readonly inputs: JsonRecord;
  readonly outputs: JsonRecord | null;
  readonly metadata: JsonRecord;
  readonly source_run_id: string | null;
  readonly created_at: string;
}

/** The datasets of an endpoint, as far as a reviewed run can become an example. */
export interface DatasetStore {
  readonly routes: readonly Route[];
  readonly clear: () => void;
}

/** Starts a store without datasets. */
export function createDatasetStore(options: {
  createId: () => string;
  now: () => number;
}): DatasetStore {
  const { createId, now } = options;
  const datasets = new Map<string, LangSmithDataset>();
  const examples = new Map<string, LangSmithExample>();
  const time = () => new Date(now()).toISOString();

  function create(given: JsonRecord): LangSmithDataset {
    const name = requireText(given, "name");
    if ([...datasets.values()].some((known) => known.name === name)) {
      throw new EndpointError("conflict", `a dataset named "${name}" exists`, { status: 409 });
    }
    const dataset: LangSmithDataset = {
      id: textOf(given["id"]) ?? createId(),
      name,
      description: textOf(given["description"]) ?? null,
      data_type: textOf(given["data_type"]) ?? "kv",
      created_at: time(),
      modified_at: time(),
      extra: recordOf(given["extra"]),
    };
    datasets.set(dataset.id, dataset);
    return dataset;
  }
  function shown(dataset: LangSmithDataset): JsonRecord {
    const count = [...examples.values()].filter(({ dataset_id: id }) => id === dataset.id).length;
    return { ...dataset, example_count: count, session_count: 0 };
  }
  function upload(datasetId: string, body: Buffer, contentType: string | undefined): string[] {
    const uploaded = new Map<string, JsonRecord>();
    for (const part of parseMultipart(body, contentType)) {
      const [id = "", field] = part.name.split(".");
      const value = field === "attachment" ? undefined : partJson(part);
      const known = uploaded.get(id) ?? {};
      if (field === undefined) uploaded.set(id, { ...known, ...recordOf(value) });
      else uploaded.set(id, { ...known, [field]: value });
    }
    for (const [id, given] of uploaded) {
      examples.set(id, {
        id,
        dataset_id: datasetId,
        inputs: recordOf(given["inputs"]),
        outputs: isRecord(given["outputs"]) ? given["outputs"] : null,
        metadata: recordOf(given["metadata"]),
        source_run_id: textOf(given["source_run_id"]) ?? null,
        created_at: textOf(given["created_at"]) ?? time(),
      });
    }
    return [...uploaded.keys()];
  }

  const routes: Route[] = [
    ["POST /datasets", ({ body }) => ({ body: shown(create(requireRecord(body))) })],
    [
      "GET /datasets",
      ({ query }) => {
        const name = query.get("name");
        const found = [...datasets.values()].filter(
          (known) => name === null || known.name === name,
        );
        return { body: page(found.map(shown), query) };
      },
    ],
    [
      "GET /datasets/:id",
      ({ parameters }) => ({ body: shown(existing(datasets, parameters["id"])) }),
    ],
    [
      "POST /platform/datasets/:id/examples",
      ({ parameters, exchange: { body, request } }) => {
        const { id } = existing(datasets, parameters["id"]);
        const ids = upload(id, body, request.headers["content-type"]);
        return { status: 201, body: { count: ids.length, example_ids: ids } };
      },
    ],
    [
      "GET /examples",
      ({ query }) => {
        const [dataset, ids] = [query.get("dataset"), query.getAll("id")];
        const found = [...examples.values()].filter(
          (example) =>
            example.dataset_id === dataset && (ids.length === 0 || ids.includes(example.id)),
        );
        return { body: page(found, query) };
      },
    ],
    ["GET /examples/:id", ({ parameters }) => ({ body: existing(examples, parameters["id"]) })],
  ];

  return {
    routes,
    clear: () => {
      datasets.clear();
      examples.clear();
    },
  };
}

function existing<Item>(items: ReadonlyMap<string, Item>, id: string | undefined): Item {
  const item = items.get(id ?? "");
  if (item === undefined) throw notFound(`${id} does not exist`);
  return item;
}
