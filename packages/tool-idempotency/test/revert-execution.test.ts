import { CoreError } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { afterAll, beforeAll, expect, it } from "vitest";

import { revertExecution } from "../src/index.ts";
import type { EffectSubject, RevertOptions } from "../src/index.ts";
import { SCOPE, bank, calls, doing, leaseOver } from "./support/bank.ts";

let database: FreshDatabase;
let round = 0;
beforeAll(async () => {
  database = await freshDatabase({ maxConnections: 4 });
});
afterAll(() => database.drop());

/** An execution that booked, paid, wrote, and does not know what became of its parcel. */
async function travelled(revert: (tool: string, subject: EffectSubject) => unknown) {
  const schema = `${database.schema ?? "evenkeel"}_revert_${(round += 1)}`;
  const store = evenkeelPostgres(database.pool, { schema });
  await store.setup();
  const tools = {
    look: "pure",
    book: { effect: "once", revert: (subject: EffectSubject) => revert("book", subject) },
    pay: { effect: "keyed", revert: (subject: EffectSubject) => revert("pay", subject) },
    write: "once",
    send: { effect: "once", revert: (subject: EffectSubject) => revert("send", subject) },
  } as const;
  const send = doing("send", () => {
    throw new Error("timeout");
  });
  const named = ["look", "book", "pay", "write"].map((name) => doing(name, () => `${name}: done`));
  const turns = [...["look", "book", "pay", "write", "send"].map((name) => calls([name])), {}];
  const one = await bank({ turns, does: [...named, send], keeps: store, tools });
  await one.start();
  const [effect] = await store.listEffects({ scope: SCOPE });
  const options: RevertOptions = {
    store,
    tools,
    executionId: effect?.executionId ?? "",
    threadId: "thread",
    actor: "ada",
    reason: "the journey is off",
  };
  return { store, options };
}

it("takes back what was done, the last first, each once, and says what it could not", async () => {
  const undone: string[] = [];
  const keys = new Set<string>();
  const { store, options } = await travelled((tool, { idempotencyKey, args, result }) => {
    undone.push(`${tool} ${JSON.stringify(args)} ${String(result)}`);
    keys.add(idempotencyKey);
  });
  const report = await revertExecution(options);
  expect(report.map(({ tool, status }) => `${tool} ${status}`)).toEqual([
    "send unknown",
    "write not-revertible",
    "pay reverted",
    "book reverted",
  ]);
  expect(undone).toEqual(['pay {"order":"A1"} pay: done', 'book {"order":"A1"} book: done']);
  expect(keys.size).toBe(2);
  const again = await revertExecution(options);
  expect(again.map(({ tool, status }) => `${tool} ${status}`)).toEqual([
    "send unknown",
    "write not-revertible",
    "pay already-reverted",
    "book already-reverted",
  ]);
  expect(undone).toHaveLength(2);
  const audit = await store.listAudit({ scope: SCOPE });
  expect(audit.map(({ act, actor, reason }) => ({ act, actor, reason }))).toEqual(
    Array.from({ length: 2 }, () => ({
      act: "revert-execution",
      actor: "ada",
      reason: "the journey is off",
    })),
  );
});

it("goes on where taking one back fails, and tries that one again only when it is told", async () => {
  const tried: string[] = [];
  const { options } = await travelled((tool) => {
    tried.push(tool);
    if (tool === "pay") throw new Error("the bank is closed");
  });
  const report = await revertExecution(options);
  expect(report.find(({ tool }) => tool === "pay")).toMatchObject({
    status: "failed",
    error: "the bank is closed",
  });
  expect(report.find(({ tool }) => tool === "book")?.status).toBe("reverted");
  const again = await revertExecution(options);
  expect(again.find(({ tool }) => tool === "pay")?.status).toBe("failed");
  expect(tried).toEqual(["pay", "book"]);
});

it("lets one of two people take an execution back, and nobody while a worker carries it on", async () => {
  const undone: string[] = [];
  const { store, options } = await travelled(async (tool) => {
    await new Promise((later) => setTimeout(later, 20));
    undone.push(tool);
  });
  const both = await Promise.allSettled([
    revertExecution(options),
    revertExecution({ ...options, actor: "bob" }),
  ]);
  const refused = both.filter((outcome) => outcome.status === "rejected");
  expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual([
    "execution-busy",
  ]);
  expect(undone.toSorted()).toEqual(["book", "pay"]);

  const { executionId, threadId } = options;
  const owner = { owner: "a worker", scope: SCOPE, executionId, threadId, leaseMs: 5_000 };
  expect(await store.acquireLease(owner)).toMatchObject({ granted: true });
  await expect(revertExecution(options)).rejects.toMatchObject({ code: "execution-busy" });
});

it("goes on where what was taken back cannot be recorded, and never takes it back again", async () => {
  const undone: string[] = [];
  const { store, options } = await travelled((tool) => undone.push(tool));
  const keeps: RevertOptions["store"] = {
    ...store,
    settleEffect: async (claim, settlement) => {
      if (!claim.key.includes("pay") && undone.length > 1) {
        return store.settleEffect(claim, settlement);
      }
      throw new CoreError({ code: "schema-not-set-up", message: "gone" });
    },
  };
  const report = await revertExecution({ ...options, store: keeps, leaseMs: 100 });
  expect(report.find(({ tool }) => tool === "pay")).toMatchObject({ status: "failed" });
  expect(report.find(({ tool }) => tool === "book")?.status).toBe("reverted");
  await leaseOver();
  const again = await revertExecution(options);
  expect(again.find(({ tool }) => tool === "pay")?.status).toBe("failed");
  expect(undone).toEqual(["pay", "book"]);
});

it("takes back what forks did for themselves", async () => {
  const undone: string[] = [];
  const pay = doing("pay", () => "paid");
  const revert = ({ idempotencyKey }: EffectSubject): void => void undone.push(idempotencyKey);
  const tools = { pay: { effect: "once", revert } } as const;
  const turns = [calls(["pay"]), {}];
  const one = await bank({ turns, does: [pay], tools, fork: "new" });
  await one.start();
  const [first] = await one.checkpoints();
  await one.go(null, { configurable: { checkpoint_id: first } });
  const [effect] = await one.store.listEffects({ scope: SCOPE });
  const executionId = effect?.executionId ?? "";
  const rest = { threadId: "thread", actor: "ada", reason: "wrong" };
  const report = await revertExecution({ store: one.store, tools, executionId, ...rest });
  expect(report.map(({ status }) => status)).toEqual(["reverted", "reverted"]);
  expect(new Set(undone).size).toBe(2);
});
