import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { directoryResults } from "../../src/drivers/directory/driver.ts";
import { exists } from "../../src/drivers/directory/files.ts";
import { openResults } from "../../src/results/results.ts";

// A process of its own: puts, reads and deletes the one content that its siblings put and delete too.
const [root = "", name = "", rounds = "0"] = process.argv.slice(2);
const store = directoryResults(root);
const results = openResults(store);
const owner = { scope: "shared", threadId: name };
const content = "shared content ".repeat(100);

await writeFile(join(root, `${name}.ready`), "");
while (!(await exists(join(root, "go")))) await sleep(2);

for (let round = 1; round <= Number(rounds); round += 1) {
  const { handle } = await results.put(owner, content);
  const slice = await results.read(owner, handle, { offset: 0, length: 10_000 });
  if (Buffer.from(slice?.bytes ?? []).toString() !== content) {
    throw new Error(`lost in round ${round}`);
  }
  if (round < Number(rounds)) await store.removeResult(owner, handle);
}
