import { describe, expect, test } from "vitest";

import { FailureRetryError } from "../src/index.ts";
import { calling, shop, toolOf } from "./support/shop.ts";

const broken = (times: number) =>
  toolOf("look_up", (_args, calls) => {
    if (calls <= times) throw new Error(`shelf ${calls} is empty`);
    return "found it";
  });

describe("a hook that misbehaves", () => {
  test.each([
    [
      "throws",
      () => {
        throw new Error("it broke");
      },
    ],
    ["is a promise", async () => true],
    ["says neither yes nor no", () => "yes"],
  ])("retryOn that %s makes no attempt: the failure itself comes out", async (_how, retryOn) => {
    const subject = shop({
      turns: [calling("look_up"), { content: "Here." }],
      tools: [broken(1)],
      options: { retryOn: retryOn as never },
    });
    await expect(subject.run()).rejects.toThrow("shelf 1 is empty");
    expect(subject.events.find(({ name }) => name === "middleware-warning")?.detail).toMatchObject({
      code: "retry-on-failed",
    });
  });

  test("render that gives too much is cut to maxTokens", async () => {
    const subject = shop({
      turns: [calling("look_up"), { content: "Here." }],
      tools: [broken(1)],
      options: { render: () => `begin ${"y".repeat(1_000_000)} end`, context: { maxTokens: 100 } },
    });
    await subject.run();
    expect(subject.contextOf(1)).toMatch(/^begin .*end$/);
    expect(subject.contextOf(1).length).toBeLessThanOrEqual(300);
  });

  const rejected = async (verify: unknown): Promise<FailureRetryError> => {
    const options = { verify: verify as never, hookTimeoutMs: 50 };
    const error: unknown = await shop({ turns: [{ content: "x" }], options })
      .run()
      .catch((thrown: unknown) => thrown);
    if (!FailureRetryError.isInstance(error)) throw new Error(`no coded error: ${String(error)}`);
    return error as FailureRetryError;
  };

  test("verify that throws, hangs or answers nonsense is a coded error, and no further attempt", async () => {
    const thrown = new Error("verify broke");
    const throws = await rejected(() => {
      throw thrown;
    });
    expect([throws.code, throws.cause]).toEqual(["verify-failed", thrown]);
    expect((await rejected(() => new Promise(() => undefined))).code).toBe("verify-failed");
    expect((await rejected(() => 7)).code).toBe("verify-invalid");
    expect((await rejected(() => undefined)).code).toBe("verify-invalid");
  });

  test.each([
    ["throws", () => Promise.reject(new Error("no words"))],
    ["hangs", () => new Promise<string>(() => undefined)],
    ["answers nonsense", () => 7 as unknown as string],
  ])(
    "render that %s is replaced by the built-in text, with a coded event",
    async (_how, render) => {
      const subject = shop({
        turns: [calling("look_up"), { content: "Here." }],
        tools: [broken(1)],
        options: { render, hookTimeoutMs: 50 },
      });
      await subject.run();
      expect(subject.contextOf(1)).toContain("shelf 1 is empty");
      const warning = subject.events.find(({ name }) => name === "middleware-warning");
      expect(warning?.detail).toMatchObject({ code: "render-failed" });
    },
  );
});
