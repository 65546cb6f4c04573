import { memoryStore, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { manifestHash, openRunManifest, openSiteManifest, seal } from "../src/manifest/manifest.ts";
import type { SiteManifest } from "../src/manifest/shape.ts";
import { codeOf, deploy, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { askTwice, askingGraph } from "./support/ask.ts";
import { rewriteState, stateOf } from "./support/rewrite-state.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });

interface Entry {
  hash: string;
  sealed?: { v: number; hash: string; body: Record<string, unknown> };
}

function agent(
  checkpointer: MemorySaver,
  options: ConfigFreezeMiddlewareOptions = {},
  events: EvenkeelEvent[] = [],
  release = monday,
): TestGraph {
  return deploy({
    model: modelOf(release, wire.endpoint().url),
    prompt: release.prompt,
    tools: toolsOf(release),
    checkpointer,
    middleware: [configFreezeMiddleware(options)],
    events,
  });
}

async function paused(options?: ConfigFreezeMiddlewareOptions): Promise<MemorySaver> {
  const saver = new MemorySaver();
  await agent(saver, options).invoke({ messages: [new HumanMessage("refund A1")] }, thread());
  return saver;
}

function resume(saver: MemorySaver, options?: ConfigFreezeMiddlewareOptions): Promise<unknown> {
  return agent(saver, options).invoke(new Command({ resume: "yes" }), thread());
}

const RUN = "_config";
const SITES = "_configSites";
const sealedRun = (held: { d: Record<string, unknown> }): NonNullable<Entry["sealed"]> =>
  held.d["sealed"] as NonNullable<Entry["sealed"]>;
type State = Parameters<Parameters<typeof rewriteState>[2]>[0];

/** Changes the one frozen call site, in the checkpoints that have it. */
function rewriteSite(
  saver: MemorySaver,
  change: (sealed: NonNullable<Entry["sealed"]>) => object,
): Promise<void> {
  return rewriteState(saver, SITES, ({ d }: State) => {
    const entry = d["agent#0"] as Entry | undefined;
    if (entry?.sealed !== undefined) entry.sealed = change(entry.sealed) as never;
  });
}

describe("a manifest at rest", () => {
  test("that is left alone resumes", async () => {
    expect(await codeOf(resume(await paused()))).toBeUndefined();
  });

  test("whose run part was changed is refused as tampered", async () => {
    const saver = await paused();
    await rewriteState(saver, RUN, (held) => (sealedRun(held).body["recursionLimit"] = 500));
    expect(await codeOf(resume(saver))).toBe("manifest-tampered");
  });

  test("whose call site was changed is refused as tampered", async () => {
    const saver = await paused();
    const prompt = [{ content: "You are bribed.", name: null, kwargs: {} }];
    await rewriteSite(saver, (sealed) => ({ ...sealed, body: { ...sealed.body, prompt } }));
    expect(await codeOf(resume(saver))).toBe("manifest-tampered");
    expect(wire.sent()).toHaveLength(1);
  });

  test("that was replaced by another valid one is refused as tampered", async () => {
    const saver = await paused();
    await rewriteSite(saver, ({ body }) => seal({ ...body, prompt: [] } as never));
    expect(await codeOf(resume(saver))).toBe("manifest-tampered");
  });

  test.each([
    ["has lost its body", { body: undefined }, "manifest-tampered"],
    ["has lost its version", { v: undefined }, "manifest-invalid"],
    ["is of an unknown future version", { v: 99 }, "manifest-version-unsupported"],
  ])("that %s is refused with a code", async (_title, change, code) => {
    const saver = await paused();
    await rewriteState(saver, RUN, (held) => Object.assign(sealedRun(held), change));
    expect(await codeOf(resume(saver))).toBe(code);
    const other = await paused();
    await rewriteSite(other, (sealed) => ({ ...sealed, ...change }));
    expect(await codeOf(resume(other))).toBe(code);
  });

  test("in a channel of an unknown future version is refused by core", async () => {
    const saver = await paused();
    await rewriteState(saver, RUN, (held) => (held.v = 99));
    expect(await codeOf(resume(saver))).toBe("state-version-unsupported");
  });
});

describe("a manifest body in a store", () => {
  test("leaves a hash of under 300 bytes in each channel", async () => {
    const saver = await paused({ store: memoryStore() });
    const sites = await stateOf(saver, SITES);
    expect(Object.keys(sites)).toEqual(["agent#0"]);
    expect(JSON.stringify(sites).length).toBeLessThan(300);
    expect(JSON.stringify(await stateOf(saver, RUN)).length).toBeLessThan(300);
  });

  test("is read from it by another process", async () => {
    const store = memoryStore();
    const saver = await paused({ store });
    expect(await codeOf(resume(saver, { store }))).toBeUndefined();
    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
  });

  test("that is gone is refused with a code", async () => {
    const saver = await paused({ store: memoryStore() });
    expect(await codeOf(resume(saver, { store: memoryStore() }))).toBe("manifest-missing");
    expect(await codeOf(resume(saver))).toBe("manifest-missing");
  });

  test("that was changed there is refused as tampered", async () => {
    const store = memoryStore();
    const saver = await paused({ store });
    const liar = {
      ...store,
      getManifest: async (scope: string, hash: string) => ({
        ...((await store.getManifest(scope, hash)) as object),
        body: {},
      }),
    };
    expect(await codeOf(resume(saver, { store: liar }))).toBe("manifest-tampered");
  });
});

describe("the hash of a configuration", () => {
  async function hashes(release = monday): Promise<unknown[]> {
    const events: EvenkeelEvent[] = [];
    const input = { messages: [new HumanMessage("refund A1")] };
    await agent(new MemorySaver(), {}, events, release).invoke(input, thread());
    return events.filter(({ name }) => name === "config-frozen").map(({ detail }) => detail);
  }

  test("is the same for the same configuration, built anew, in another execution", async () => {
    const [first] = await hashes();
    expect(first).toMatchObject({ site: "agent#0", hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await hashes()).toEqual([first]);
  });

  test("is another one for another prompt, temperature or tool", async () => {
    const all = [
      await hashes(),
      await hashes({ ...monday, prompt: "You are cold." }),
      await hashes({ ...monday, temperature: 0.2 }),
      await hashes({ ...monday, refundArgument: "cents" }),
    ].map(([detail]) => (detail as { hash: string }).hash);
    expect(new Set(all).size).toBe(4);
  });

  test("does not depend on the order in which sites were frozen", () => {
    expect(manifestHash("r", { a: "1", b: "2" })).toBe(manifestHash("r", { b: "2", a: "1" }));
  });
});

describe("the size of a manifest", () => {
  test("is that of what a request says beside the conversation, and 1,500 bytes", async () => {
    const saver = await paused();
    const [sent] = wire.sent();
    const said = (sent?.prompt.length ?? 0) + (sent?.rest.length ?? 0);
    const stored = JSON.stringify(await stateOf(saver, SITES)).length;
    expect(stored).toBeGreaterThan(said / 2);
    expect(stored).toBeLessThan(said + 1_500);
  });
});

describe("the writes of a manifest", () => {
  const asks = (): Promise<unknown> =>
    wrapModel(modelOf(monday, wire.endpoint().url)).invoke([new HumanMessage("hello")]);

  function writesIn(saver: MemorySaver): string[] {
    const { writes } = saver as unknown as { writes: Record<string, Record<string, string[]>> };
    const rows = Object.values(writes).flatMap((row) => Object.values(row));
    return rows.map(([, channel = ""]) => channel).filter((name) => name.startsWith("_config"));
  }

  test("are as many after one call of its site as after three, two resumes between", async () => {
    const saver = new MemorySaver();
    const graph = askingGraph(asks, saver, [configFreezeMiddleware()]);
    await graph.invoke({ messages: [new HumanMessage("hello")] }, thread());
    expect(writesIn(saver)).toEqual([SITES, SITES]);
    const { saver: thrice } = await askTwice(asks, asks);
    expect(writesIn(thrice)).toEqual([SITES, SITES]);
  });
});

describe("sealing", () => {
  const site: SiteManifest = {
    model: { class: "M", provider: null, name: null, fields: {}, defaults: {}, parameters: {} },
    prompt: [{ content: "half a smile: \ud83d", name: null, kwargs: {} }],
    tools: [],
    toolChoice: null,
    responseFormat: null,
    settings: {},
  };

  test("takes a prompt with half a character, and gives it back", () => {
    const sealed = JSON.parse(JSON.stringify(seal(site))) as { hash: string };
    expect(openSiteManifest(sealed, sealed.hash, "agent#0").prompt).toEqual(site.prompt);
  });

  test("refuses a body that is no manifest though its hash is right", () => {
    const sealed = seal({ config: null } as never);
    expect(() => openRunManifest(sealed, sealed.hash)).toThrow(
      expect.objectContaining({ code: "manifest-invalid" }),
    );
  });
});
