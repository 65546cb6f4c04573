import { setImmediate } from "node:timers/promises";

import type { ResultPiece } from "../results/slice.ts";
import type { ReadingContext } from "./context.ts";

const BYTES_BETWEEN_BREATHS = 1024 * 1024;

/** A stream of a store with a time limit on each piece; other work gets its turn every megabyte. */
export async function* timedPieces(
  context: ReadingContext,
  stream: AsyncIterable<ResultPiece>,
): AsyncGenerator<ResultPiece> {
  const iterator = stream[Symbol.asyncIterator]();
  let since = 0;
  try {
    for (;;) {
      const step = await context.call(() => iterator.next());
      if (step.done === true) return;
      yield step.value;
      since += step.value.bytes.length;
      if (since < BYTES_BETWEEN_BREATHS) continue;
      since = 0;
      await setImmediate();
    }
  } finally {
    // A store that hangs would keep this waiting too; nothing depends on its farewell.
    void iterator.return?.().then(undefined, () => undefined);
  }
}
