// Relative, since this package does not depend on the offload package yet.
import {
  createResultStore,
  keepResult,
  loadTokenCounter,
  memoryResults,
  planOffload,
  readResult,
} from "../../../packages/tool-result-offload/src/index.ts";
import type { ReadingContext } from "../../../packages/tool-result-offload/src/index.ts";
import type { CorpusResult } from "./result-corpus.ts";

/** What a threshold keeps out of the context. */
export interface KeptOut {
  readonly thresholdKiB: number;
  readonly results: number;
  readonly offloaded: number;
  readonly bytes: number;
  readonly bytesKeptOut: number;
  readonly tokensKeptOut: number;
  /** Offloaded results that came back byte by byte through `read_tool_result`. */
  readonly exact: number;
  readonly msPerOffloadedMb: number;
}

/** Offloads a corpus at one threshold and reads everything back page by page. */
export async function measureKeptOut(
  corpus: readonly CorpusResult[],
  thresholdKiB: number,
): Promise<KeptOut> {
  const counter = await loadTokenCounter();
  const store = createResultStore(memoryResults());
  const thresholds = { maxBytes: thresholdKiB * 1024, maxTokens: Number.MAX_SAFE_INTEGER };
  const maxPreviewTokens = Math.min(800, thresholdKiB * 128);
  const sum = { offloaded: 0, bytes: 0, bytesKeptOut: 0, tokensKeptOut: 0, exact: 0 };
  let offloadedBytes = 0;
  let spentMs = 0;
  for (const { run, text } of corpus) {
    const bytes = Buffer.byteLength(text);
    sum.bytes += bytes;
    const before = performance.now();
    if (planOffload(text, thresholds, counter).action === "keep") continue;
    const owner = { scope: "bench", threadId: run };
    const kept = await keepResult(text, { store, owner, counter, maxPreviewTokens });
    spentMs += performance.now() - before;
    offloadedBytes += bytes;
    sum.offloaded += 1;
    sum.bytesKeptOut += bytes - Buffer.byteLength(kept.text);
    sum.tokensKeptOut += counter.count(text) - counter.count(kept.text);
    const read = await readWhole({ store, owner, counter }, kept.stored.handle);
    if (read.equals(Buffer.from(text))) sum.exact += 1;
  }
  const msPerOffloadedMb = offloadedBytes === 0 ? 0 : (spentMs / offloadedBytes) * 1_000_000;
  return { thresholdKiB, results: corpus.length, ...sum, msPerOffloadedMb };
}

async function readWhole(context: ReadingContext, handle: string): Promise<Buffer> {
  const pages: Buffer[] = [];
  for (let offset: number | undefined = 0; offset !== undefined;) {
    const { status, text, details } = await readResult(context, { handle, offset });
    if (status === "error") throw new Error(text);
    const { encoding, next } = details as { encoding: BufferEncoding; next: unknown };
    const [, body = ""] = text.split(new RegExp(`<<<${handle}\\n|\\n${handle}>>>`));
    pages.push(Buffer.from(body, encoding));
    offset = (next as { offset?: number } | null)?.offset;
  }
  return Buffer.concat(pages);
}
