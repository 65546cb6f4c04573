import { EvenkeelError, memoryStore } from "@evenkeel/core";
import { describe, expect, it } from "vitest";

import { idempotentTool, revertExecution, toolIdempotencyMiddleware } from "../src/index.ts";
import { bank, calls, doing } from "./support/bank.ts";

const store = memoryStore();
const { settleInTransaction: _, ...noTransactions } = store;

function refusal(construct: () => unknown): EvenkeelError {
  try {
    construct();
  } catch (error) {
    if (EvenkeelError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const NOT_ALLOWED: readonly [option: string, options: unknown][] = [
  ["options", undefined],
  ["options", null],
  ["options", "evenkeel"],
  ["store", {}],
  ["store", { store: {} }],
  ["onReplay", { store, onReplay: "reuse" }],
  ["default", { store, default: "twice" }],
  ["onInFlight", { store, onInFlight: "hurry" }],
  ["onUnknown", { store, onUnknown: true }],
  ["onReplan", { store, onReplan: "guess" }],
  ["fork", { store, fork: "other" }],
  ["leaseMs", { store, leaseMs: 5 }],
  ["leaseMs", { store, leaseMs: "15000" }],
  ["leaseMs", { store, leaseMs: Number.NaN }],
  ["messagesKey", { store, messagesKey: "" }],
  ["mode", { store, mode: "strict" }],
  ["name", { store, name: "" }],
  ["tools", { store, tools: ["refund"] }],
  ["tools.refund", { store, tools: { refund: 1 } }],
  ["tools.refund", { store, tools: { refund: undefined } }],
  ["tools.refund.effect", { store, tools: { refund: "maybe" } }],
  ["tools.refund.effect", { store, tools: { refund: {} } }],
  ["tools.refund.effect", { store, tools: { refund: { effect: "maybe" } } }],
  ["tools.refund.key", { store, tools: { refund: { effect: "once", key: "id" } } }],
  ["tools.refund.within", { store, tools: { refund: { effect: "once", within: "thread" } } }],
  ["tools.refund.reconcile", { store, tools: { refund: { effect: "once", reconcile: 1 } } }],
  ["tools.refund.revert", { store, tools: { refund: { effect: "once", revert: 1 } } }],
  ["tools.refund.undo", { store, tools: { refund: { effect: "once", undo: () => 1 } } }],
];

describe("toolIdempotencyMiddleware", () => {
  it.each(NOT_ALLOWED)("refuses %s by name: case %#", (option, options) => {
    const error = refusal(() => toolIdempotencyMiddleware(options as never));
    expect(error).toMatchObject({
      code: "invalid-options",
      middleware: "toolIdempotencyMiddleware",
      details: { option },
    });
    expect(error.message).toContain(`"${option}"`);
  });

  it.each([
    ["default", { default: "transactional" }],
    ["tools.credit", { tools: { credit: "transactional" } }],
    ["tools.credit", { tools: { credit: { effect: "transactional" } } }],
  ])("refuses %s that needs transactions the store has not: case %#", (option, options) => {
    const rest = { store: noTransactions, ...options };
    expect(refusal(() => toolIdempotencyMiddleware(rest as never))).toMatchObject({
      code: "transaction-unsupported",
      middleware: "toolIdempotencyMiddleware",
      details: { option },
    });
  });

  it("takes an option that is there and undefined for one that is not given", () => {
    const options = { store, onReplan: undefined, tools: { refund: "once" }, mode: undefined };
    expect(() => toolIdempotencyMiddleware(options as never)).not.toThrow();
  });
});

describe("idempotentTool", () => {
  const tool = doing("refund", () => "refunded");
  it.each([
    ["tool", {}, { store, effect: "once" }],
    ["tool", undefined, { store, effect: "once" }],
    ["options", tool, undefined],
    ["store", tool, { effect: "once" }],
    ["effect", tool, { store }],
    ["effect", tool, { store, effect: "twice" }],
    ["fork", tool, { store, effect: "once", fork: "new" }],
    ["key", tool, { store, effect: "once", key: "order" }],
    ["leaseMs", tool, { store, effect: "once", leaseMs: 0 }],
  ])("refuses %s by name: case %#", (option, one, options) => {
    const error = refusal(() => idempotentTool(one as never, options as never));
    expect(error).toMatchObject({ code: "invalid-options", details: { option } });
    expect(error.middleware).toMatch(/^idempotentTool/);
  });

  it("refuses a transaction its store has not", () => {
    const options = { store: noTransactions, effect: "transactional" };
    expect(refusal(() => idempotentTool(tool, options as never))).toMatchObject({
      code: "transaction-unsupported",
      middleware: "idempotentTool(refund)",
    });
  });
});

describe("revertExecution", () => {
  const right = { store, tools: {}, executionId: "e", threadId: "t", actor: "ada", reason: "no" };
  it.each([
    ["options", undefined],
    ["store", { ...right, store: { listEffects: store.listEffects } }],
    ["executionId", { ...right, executionId: undefined }],
    ["threadId", { ...right, threadId: "" }],
    ["tools", { ...right, tools: undefined }],
    ["actor", { ...right, actor: undefined }],
    ["reason", { ...right, reason: "" }],
    ["scope", { ...right, scope: 1 }],
    ["leaseMs", { ...right, leaseMs: -1 }],
    ["effects", { ...right, effects: [] }],
  ])("refuses %s by name", async (option, options) => {
    await expect(revertExecution(options as never)).rejects.toMatchObject({
      code: "invalid-options",
      middleware: "revertExecution",
      details: { option },
    });
  });
});

it("says by its own name who failed a run, and who answered in a tool's place", async () => {
  const name = "payments";
  const turns = [calls(["pay"]), { content: "Done." }];
  const does = [doing("pay", () => "paid")];
  const key = (): string => "";
  const tools = { pay: { effect: "once", key } } as const;
  const failing = await bank({ turns, does, name, tools });
  await expect(failing.start()).rejects.toMatchObject({
    code: "effect-key-invalid",
    middleware: name,
  });
  const exit = await bank({ turns, does, name });
  await expect(exit.start("Please.", { durability: "exit" })).rejects.toMatchObject({
    code: "checkpoint-not-durable",
    middleware: name,
  });
  const claimEffect = async (): Promise<never> => Promise.reject(new Error("gone"));
  const away = await bank({ turns, does, name, keeps: { ...memoryStore(), claimEffect } });
  await expect(away.start()).rejects.toMatchObject({ code: "store-unavailable", middleware: name });
});
