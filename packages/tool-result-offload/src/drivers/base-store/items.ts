import type { BaseStore } from "@langchain/langgraph";

/** A JSON object in a {@link BaseStore}. */
export type ItemValue = Record<string, unknown>;

/** A found item with the last label of its namespace, which says whose it is. */
interface FoundItem {
  readonly namespace: readonly string[];
  readonly key: string;
  readonly value: ItemValue;
}

/** What the driver asks of a LangGraph store, in operations that every one of them has. */
export interface Items {
  get(namespace: readonly string[], key: string): Promise<ItemValue | undefined>;
  getMany(
    namespace: readonly string[],
    keys: readonly string[],
  ): Promise<(ItemValue | undefined)[]>;
  put(namespace: readonly string[], values: ReadonlyMap<string, ItemValue>): Promise<void>;
  remove(namespace: readonly string[], keys: readonly string[]): Promise<void>;
  /** Everything under a namespace, a page at a time. */
  all(namespace: readonly string[], filter?: ItemValue): AsyncIterable<FoundItem>;
  /** One item under a namespace that the filter fits, if any does. */
  some(namespace: readonly string[], filter: ItemValue): Promise<boolean>;
}

const ROOT = ["evenkeel", "results"];
const PAGE = 500;

/** The items of Evenkeel's results in a LangGraph store. */
export function itemsOf(given: BaseStore): Items {
  const store = unwrap(given);
  const at = (namespace: readonly string[]): string[] => [...ROOT, ...namespace];

  async function page(
    namespace: readonly string[],
    filter: ItemValue | undefined,
    offset: number,
    limit: number,
  ): Promise<FoundItem[]> {
    const wanted = filter === undefined ? {} : { filter };
    const [found] = await store.batch([
      { namespacePrefix: at(namespace), ...wanted, offset, limit },
    ]);
    return (found ?? []).map((item) => ({
      namespace: item.namespace.slice(ROOT.length),
      key: item.key,
      value: item.value,
    }));
  }

  async function write(
    namespace: readonly string[],
    entries: Iterable<[string, ItemValue | null]>,
  ): Promise<void> {
    // A store with embeddings would otherwise send every chunk to the embedding model.
    const index = false as const;
    const operations = Array.from(entries, ([key, value]) => ({
      namespace: at(namespace),
      key,
      value,
      index,
    }));
    if (operations.length > 0) await store.batch(operations);
  }

  async function getMany(
    namespace: readonly string[],
    keys: readonly string[],
  ): Promise<(ItemValue | undefined)[]> {
    if (keys.length === 0) return [];
    const items = await store.batch(keys.map((key) => ({ namespace: at(namespace), key })));
    return items.map((item) => item?.value);
  }

  return {
    get: async (namespace, key) => (await getMany(namespace, [key]))[0],
    getMany,
    put: (namespace, values) => write(namespace, values),
    remove: (namespace, keys) =>
      write(
        namespace,
        keys.map((key) => [key, null]),
      ),
    all: async function* all(namespace, filter) {
      // Pages are cut by position, so what is read must be known before the caller changes anything.
      const items = new Map<string, FoundItem>();
      for (let offset = 0; ; offset += PAGE) {
        const found = await page(namespace, filter, offset, PAGE);
        for (const item of found) items.set([...item.namespace, item.key].join("/"), item);
        if (found.length < PAGE) break;
      }
      yield* items.values();
    },
    some: async (namespace, filter) => (await page(namespace, filter, 0, 1)).length > 0,
  };
}

// `runtime.store` wraps the real one; the wrapper drops `index: false`, has no `batch`, and never
// answers once its run has ended.
function unwrap(store: BaseStore): BaseStore {
  const wrapper = store as { lg_name?: unknown; store?: unknown };
  return wrapper.lg_name === "AsyncBatchedStore" && wrapper.store !== undefined
    ? (wrapper.store as BaseStore)
    : store;
}
