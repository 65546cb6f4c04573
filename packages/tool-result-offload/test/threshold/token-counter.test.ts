import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";

import { approximateTokens } from "../../src/threshold/approximate-tokens.ts";
import {
  exceedsTokens,
  loadTokenCounter,
  tokenCounterOf,
} from "../../src/threshold/token-counter.ts";

const noise = (from: number, size: number, count: number): string =>
  Array.from({ length: count }, (_, index) =>
    String.fromCodePoint(from + (((index * 2_654_435_761) >>> 9) % size)),
  ).join("");

const SAMPLES: [string, string][] = [
  ["prose", "The customer asked for a refund, and the agent looked the order up. ".repeat(60)],
  [
    "JSON",
    JSON.stringify(
      Array.from({ length: 200 }, (_, id) => ({ id, name: `user ${id}`, active: id % 2 === 0 })),
    ),
  ],
  [
    "a log",
    Array.from(
      { length: 100 },
      (_, second) => `2026-01-02T03:04:${second}Z INFO request ${second * 7919} took ${second}ms`,
    ).join("\n"),
  ],
  ["base64", Buffer.from(noise(0, 256, 3_000), "latin1").toString("base64")],
  ["hexadecimal", Buffer.from(noise(0, 256, 3_000), "latin1").toString("hex")],
  ["punctuation", noise(33, 14, 4_000)],
  ["Chinese", "根据用户的请求，我们已经处理了退款，请稍后查看您的账户余额。".repeat(80)],
  ["Russian", "Пользователь запросил возврат средств за заказ. ".repeat(80)],
  ["emoji", "👍🏽 👨‍👩‍👧 🎉".repeat(200)],
  ["ideographs at random", noise(0x4e00, 20_000, 3_000)],
  ["characters at random", noise(0x1000, 0x5000, 3_000)],
  ["planes at random", noise(0x10000, 0xe0000, 2_000)],
];

test.each(SAMPLES)("never estimates %s at less than half of o200k", (_, text) => {
  const real = countTokens(text);
  const estimate = approximateTokens(text);
  expect(estimate).toBeGreaterThan(real / 2);
  expect(estimate).toBeLessThan(real * 4);
});

test("stops estimating once the limit is passed", () => {
  const endless = "word ".repeat(10_000_000);
  expect(approximateTokens(endless, 100)).toBeLessThan(110);
});

test("loads o200k where gpt-tokenizer is installed", async () => {
  const counter = await loadTokenCounter();
  expect(counter).toMatchObject({ name: "o200k", approximate: false });
  expect(counter.count("hello world")).toBe(2);
});

test("counts a text that quotes the tokenizer's own marks", async () => {
  const counter = await loadTokenCounter();
  expect(counter.count("<|endoftext|> and <|im_start|>")).toBeGreaterThan(5);
});

test("hands the tokenizer no more than a slice at a time, and never splits a pair", () => {
  const slices: string[] = [];
  const counter = tokenCounterOf("mine", (text) => {
    slices.push(text);
    return text.length;
  });
  const text = `${"a".repeat(1_999)}😀${"a".repeat(98_000)}`;
  expect(counter.count(text)).toBe(text.length);
  expect(Math.max(...slices.map((slice) => slice.length))).toBeLessThanOrEqual(2_001);
  expect(slices.join("")).toBe(text);
  expect(slices.some((slice) => /\p{Surrogate}/u.test(slice))).toBe(false);
});

test("stops counting behind the limit, and does not begin where none can be passed", () => {
  let counted = 0;
  const counter = tokenCounterOf("mine", (text) => {
    counted += text.length;
    return text.length;
  });
  expect(exceedsTokens("a".repeat(1_000_000), 5_000, counter)).toBe(true);
  expect(counted).toBeLessThan(10_000);
  counted = 0;
  expect(exceedsTokens("a".repeat(1_000), 3_000, counter)).toBe(false);
  expect(counted).toBe(0);
});

test("has the tokenizer forget its words now and then, so that a long life does not slow it down", () => {
  let cleared = 0;
  const counter = tokenCounterOf(
    "mine",
    (text) => text.length,
    () => {
      cleared += 1;
    },
  );
  for (let texts = 0; texts < 100; texts += 1) counter.count("word ".repeat(1_000));
  expect(cleared).toBe(2);
});
