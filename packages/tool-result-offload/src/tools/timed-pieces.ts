import { breathe } from "../breathe.ts";
import type { ResultPiece } from "../result-store.ts";
import type { OpenContext } from "./reading-context.ts";

const BYTES_BETWEEN_BREATHS = 1024 * 1024;

/** A stream of a store with a time limit on each piece; other work gets its turn every megabyte. */
export async function* timedPieces(
  open: OpenContext,
  stream: AsyncIterable<ResultPiece>,
): AsyncGenerator<ResultPiece> {
  const iterator = stream[Symbol.asyncIterator]();
  let since = 0;
  try {
    for (;;) {
      const step = await open.call(() => iterator.next());
      if (step.done === true) return;
      yield step.value;
      since += step.value.bytes.length;
      if (since < BYTES_BETWEEN_BREATHS) continue;
      since = 0;
      await breathe();
    }
  } finally {
    // A store that hangs would keep this waiting too; nothing depends on its farewell.
    void iterator.return?.().then(undefined, () => undefined);
  }
}
