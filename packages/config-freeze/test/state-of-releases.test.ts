import { readFileSync, writeFileSync } from "node:fs";

import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import { openRunManifest, openSiteManifest } from "../src/manifest/manifest.ts";
import { deploy, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { rewriteState, stateOf } from "./support/rewrite-state.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });

interface Fixture {
  _config: { hash: string; sealed: unknown };
  _configSites: Record<string, { hash: string; sealed: unknown }>;
}
const FIXTURE = new URL("./fixtures/state-v1.json", import.meta.url);

function agent(release: Release, checkpointer: MemorySaver): TestGraph {
  return deploy({
    model: modelOf(release, wire.endpoint().url),
    prompt: release.prompt,
    tools: toolsOf(release),
    checkpointer,
    middleware: [configFreezeMiddleware({ config: () => ({ tone: release.prompt }) })],
  });
}

async function paused(): Promise<MemorySaver> {
  const saver = new MemorySaver();
  await agent(monday, saver).invoke({ messages: [new HumanMessage("refund A1")] }, thread());
  return saver;
}

// WRITE_FIXTURE=1 writes the state of this release; the file of a published release never changes.
test.runIf(process.env["WRITE_FIXTURE"] === "1")("the fixture is written", async () => {
  const saver = await paused();
  const channels = ["_config", "_configSites"];
  const states = await Promise.all(channels.map((channel) => stateOf(saver, channel)));
  const written = Object.fromEntries(channels.map((channel, at) => [channel, states[at]]));
  writeFileSync(FIXTURE, `${JSON.stringify(written, null, 2)}\n`);
  expect(written).toHaveProperty("_config.sealed.v", 1);
});

const fixture = (): Fixture => JSON.parse(readFileSync(FIXTURE, "utf8")) as Fixture;

test("manifests of the first release are opened", () => {
  const { _config: run, _configSites: sites } = fixture();
  expect(openRunManifest(run.sealed, run.hash)).toMatchObject({
    config: { tone: "You are kind." },
    recursionLimit: 25,
  });
  const site = sites["agent#0"];
  const { model, prompt, tools } = openSiteManifest(site?.sealed, site?.hash ?? "", "agent#0");
  expect(model).toMatchObject({ class: "ChatOpenAI", name: "gpt-5.2" });
  expect(prompt?.[0]?.content).toBe("You are kind.");
  expect(tools.map(({ name }) => name)).toEqual(["approve", "refund"]);
});

test("a thread of the first release is resumed as it was frozen", async () => {
  const saver = await paused();
  for (const [channel, entries] of Object.entries(fixture())) {
    await rewriteState(saver, channel, (held) => (held.d = entries as Record<string, unknown>));
  }
  await agent(tuesday, saver).invoke(new Command({ resume: "yes" }), thread());
  const [first, ...later] = wire.sent();
  expect(later).toEqual([first, first]);
});
