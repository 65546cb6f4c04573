import { describe, expect, test } from "vitest";

import { pauseMs } from "../src/backoff.ts";
import { retryAfterMs } from "../src/call/retry-after.ts";
import { tokensAtMost } from "../src/context/count-tokens.ts";
import { cutText } from "../src/context/cut-text.ts";
import { renderContext } from "../src/context/render-context.ts";
import type { FailureReport } from "../src/index.ts";
import { FailureRetryError, failureRetryMiddleware } from "../src/index.ts";

describe("pauses", () => {
  const options = { initialInterval: 100, backoffFactor: 2, maxInterval: 1_000, jitter: false };
  test.each([
    [1, 100],
    [2, 200],
    [4, 800],
    [5, 1_000],
    [5_000, 1_000],
  ])("after %i failures: %i ms", (failures, pause) => {
    expect(pauseMs(failures, options, () => 0)).toBe(pause);
  });

  test("are shortened by up to half with jitter, and never one a server asked for", () => {
    const jitter = { ...options, jitter: true };
    expect(pauseMs(1, jitter, () => 0)).toBe(50);
    expect(pauseMs(1, jitter, () => 1)).toBe(100);
    expect(pauseMs(1, jitter, () => 0, 700)).toBe(700);
    expect(pauseMs(1, jitter, () => 0, 9_000)).toBe(1_000);
  });
});

describe("what a server asks for", () => {
  const now = () => Date.parse("2026-01-01T00:00:00Z");
  test.each([
    [{ headers: { "retry-after": "7" } }, 7_000],
    [{ headers: new Headers({ "Retry-After": "7" }) }, 7_000],
    [{ response: { headers: { "Retry-After-Ms": "250" } } }, 250],
    [{ headers: { "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" } }, 30_000],
    [{ headers: { "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" } }, 0],
    [{ cause: { headers: { "retry-after": "1" } } }, 1_000],
    [{ details: { retryAfterMs: 40 } }, 40],
    [{ headers: { "retry-after": "soon" } }, undefined],
    [{ headers: { "retry-after": "-5" } }, undefined],
    [new Error("plain"), undefined],
    [null, undefined],
  ])("%j", (error, asked) => {
    expect(retryAfterMs(error, now)).toBe(asked);
  });
});

describe("a text that is too long", () => {
  test("keeps head and tail, and counts what is left out", () => {
    const cut = cutText(`BEGIN${"-".repeat(1_000)}END`, 100);
    expect(cut.length).toBeLessThanOrEqual(100);
    expect(cut).toMatch(/^BEGIN-+… \d+ characters …-+END$/);
  });

  test("of JSON keeps its shape", () => {
    const rows = Array.from({ length: 50 }, (_, id) => ({ id, text: "words ".repeat(50) }));
    const cut = cutText(JSON.stringify(rows), 500);
    expect(cut.length).toBeLessThanOrEqual(500);
    const parsed = JSON.parse(cut) as { id: number }[];
    expect(parsed[0]?.id).toBe(0);
    expect(parsed.at(-1)?.id).toBe(49);
    expect(cut).toContain("more");
  });

  test("is never longer than allowed, whatever it holds", () => {
    const texts = [
      "x".repeat(999),
      "😀".repeat(500),
      `{"a":"${"b".repeat(900)}"}`,
      `[${"1,".repeat(400)}1]`,
      "{broken",
    ];
    for (const text of texts) {
      for (const limit of [1, 5, 20, 33, 100, 400]) {
        expect(cutText(text, limit).length, `${text.slice(0, 10)} at ${limit}`).toBeLessThanOrEqual(
          limit,
        );
      }
    }
    expect(cutText("anything", 0)).toBe("[8 characters]");
  });
});

test("a rendered context keeps within maxTokens, however much there is to tell", () => {
  const failure = {
    failureClass: "unknown",
    rule: "none",
    severity: "medium",
    recoverable: true,
    remedy: "",
    message: "",
  } as const;
  const call = (index: number) => ({
    id: `call-${index}`,
    tool: "look_up",
    args: JSON.stringify({ index, text: "words ".repeat(80) }),
    status: "error" as const,
    result: "ошибка ".repeat(70),
    stands: index % 7 === 0,
  });
  for (const count of [0, 1, 20, 400]) {
    for (const maxTokens of [0, 50, 500, 2_000]) {
      const calls = Array.from({ length: count }, (_, index) => call(index));
      const report: FailureReport = {
        attempt: 1,
        maxAttempts: 3,
        failure,
        message: "m".repeat(1_000),
        calls,
        standing: calls.filter(({ stands }) => stands),
        restart: "start",
        earlier: ["attempt 0: unknown"],
        finalAnswer: false,
        limits: { maxResultChars: 500, maxTokens },
      };
      const text = renderContext(report);
      expect(tokensAtMost(text), `${count} calls in ${maxTokens}`).toBeLessThanOrEqual(
        Math.max(maxTokens, 20),
      );
    }
  }
});

test.each([
  [{ maxAttempts: 0 }, "maxAttempts"],
  [{ restart: "middle" }, "restart"],
  [{ retryOn: ["bad-luck"] }, "retryOn"],
  [{ context: { maxResultChars: -1 } }, "context"],
  [{ verify: "yes" }, "verify"],
  [{ exitBehavior: "shrug" }, "exitBehavior"],
  [{ backoffFactor: Number.NaN }, "backoffFactor"],
  [{ nonsense: 1 }, "nonsense"],
  [{ mode: "sometimes" }, "mode"],
])("a bad option is refused by name: %j", (options, name) => {
  const made = (): unknown => failureRetryMiddleware(options as never);
  expect(made).toThrow(FailureRetryError);
  expect(made).toThrow(`option "${name}"`);
});
