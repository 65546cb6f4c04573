import { run, startOpenAIEndpoint, startPostgres } from "@evenkeel/testing";

import { script } from "./scripted-model.ts";

const database = await startPostgres();
const local =
  process.env["OPENAI_API_KEY"] === undefined ? await startOpenAIEndpoint({ script }) : undefined;

async function inProcess(title: string, ...args: string[]): Promise<void> {
  console.log(`--- ${title}`);
  const { stdout } = await run({
    script: new URL("process.ts", import.meta.url),
    args,
    env: { DATABASE_URL: database.url, MODEL_URL: local?.url },
  });
  process.stdout.write(stdout);
}

try {
  await inProcess("Monday: the customer writes", "monday");
  await inProcess("Tuesday: other prompts are deployed, and a person says yes", "tuesday", "yes");
} finally {
  await Promise.all([local?.close(), database.stop()]);
}
