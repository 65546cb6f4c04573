import type { MemorySaver } from "@langchain/langgraph";

interface Held {
  channel_values: Record<string, { v: number; d: Record<string, unknown> }>;
}

/** Changes private state at rest, in every checkpoint of a saver. */
export async function rewriteState(
  saver: MemorySaver,
  channel: string,
  change: (held: { v: number; d: Record<string, unknown> }) => void,
): Promise<void> {
  const { serde, storage } = saver as unknown as {
    serde: {
      loadsTyped(type: string, bytes: Uint8Array): Promise<Held>;
      dumpsTyped(value: unknown): Promise<[string, Uint8Array]>;
    };
    storage: Record<string, Record<string, Record<string, [Uint8Array, ...unknown[]]>>>;
  };
  for (const namespaces of Object.values(storage)) {
    for (const checkpoints of Object.values(namespaces)) {
      for (const row of Object.values(checkpoints)) {
        const checkpoint = await serde.loadsTyped("json", row[0]);
        const held = checkpoint.channel_values[channel];
        if (held === undefined) continue;
        change(held);
        row[0] = (await serde.dumpsTyped(checkpoint))[1];
      }
    }
  }
}

/** The entries of a private channel in the newest checkpoint of a thread. */
export async function stateOf(
  saver: MemorySaver,
  channel: string,
  thread = "thread-1",
): Promise<Record<string, unknown>> {
  const tuple = await saver.getTuple({ configurable: { thread_id: thread } });
  const held = tuple?.checkpoint.channel_values[channel] as { d?: Record<string, unknown> };
  return held?.d ?? {};
}
