import { EvenkeelError } from "@evenkeel/core";

import { sweepStale } from "../end/sweep-stale.ts";
import { setUpReview } from "../review/set-up-review.ts";
import { plainText } from "../shape/plain-text.ts";
import { type Command, USAGE, readCommandLine } from "./command-line.ts";
import { listFlagged } from "./listed-run.ts";
import { openLangSmith, openStore } from "./open-store.ts";
import { jsonOf, tableOf } from "./print-runs.ts";

/** What a command sees of its process. */
export interface CliProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Runs one command and returns the exit code: 0, 1 where it failed, 2 where it was not understood. */
export async function runCli(args: readonly string[], world: CliProcess): Promise<number> {
  try {
    await execute(readCommandLine(args, world.env, world.now()), world);
    return 0;
  } catch (error) {
    const code = EvenkeelError.isInstance(error) ? error.code : "unexpected";
    const message = error instanceof Error ? error.message : String(error);
    world.complain(`${plainText(message, 2_000)} (${code})\n`);
    return code === "invalid-options" ? 2 : 1;
  }
}

async function execute(command: Command, { print, complain, now }: CliProcess): Promise<void> {
  switch (command.name) {
    case "help":
      return print(USAGE);
    case "setup": {
      const { project } = command;
      const { text } = await setUpReview({
        ...(command.create ? { client: await openLangSmith() } : {}),
        ...(project === undefined ? {} : { project }),
      });
      return print(text);
    }
    case "list": {
      const { runs, unread } = await withStore(command, ({ store }) => listFlagged(store, command));
      if (unread > 0) complain(`${unread} records are damaged, or of a later release.\n`);
      return print(command.json ? jsonOf(runs) : tableOf(runs));
    }
    case "sweep": {
      const { olderThanMs, json, langsmith } = command;
      const review = langsmith ? { langsmith: { client: await openLangSmith() } } : {};
      const onError = (error: unknown): void =>
        complain(`${plainText(error instanceof Error ? error.message : String(error), 500)}\n`);
      const swept = await withStore(command, ({ store }) =>
        sweepStale({ store, olderThanMs, clock: now, onError, ...review }),
      );
      const lines = swept.map(
        ({ executionId, outcome }) => `${plainText(executionId, 200)} ${outcome}\n`,
      );
      return print(json ? jsonOf(swept) : `${lines.join("")}${swept.length} found.\n`);
    }
  }
}

async function withStore<Result>(
  address: Parameters<typeof openStore>[0],
  work: (opened: Awaited<ReturnType<typeof openStore>>) => Promise<Result>,
): Promise<Result> {
  const opened = await openStore(address);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}
