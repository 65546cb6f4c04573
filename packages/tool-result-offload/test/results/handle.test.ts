import { expect, test } from "vitest";

import { classifyHandle, deriveHandle } from "../../src/results/handle.ts";

const digest = "ab".repeat(32);
const ana = { scope: "acme", threadId: "1" };
const ben = { scope: "acme", threadId: "2" };

test("is short, and the same for the same content of a thread", () => {
  const handle = deriveHandle(ana, digest);
  expect(handle).toMatch(/^res_[0-9a-z]{20}$/);
  expect(deriveHandle(ana, digest)).toBe(handle);
  expect(deriveHandle(ben, digest)).not.toBe(handle);
});

test("keeps owners apart whose parts join to the same text", () => {
  const left = deriveHandle({ scope: "a", threadId: "bc" }, digest);
  expect(deriveHandle({ scope: "ab", threadId: "c" }, digest)).not.toBe(left);
});

test("tells its own handle from a foreign one and from none", () => {
  const handle = deriveHandle(ana, digest);
  expect(classifyHandle(ana, handle)).toBe("own");
  expect(classifyHandle(ben, handle)).toBe("foreign");
  for (const wrong of [
    "",
    "res_",
    handle.slice(0, -1),
    `${handle}0`,
    handle.toUpperCase(),
    "../x",
  ]) {
    expect(classifyHandle(ana, wrong)).toBe("malformed");
  }
});

test("takes a handle with one letter changed for a foreign one", () => {
  const handle = deriveHandle(ana, digest);
  for (let position = 4; position < handle.length; position += 1) {
    const letter = handle.charAt(position) === "0" ? "1" : "0";
    const forged = handle.slice(0, position) + letter + handle.slice(position + 1);
    expect(classifyHandle(ana, forged)).toBe("foreign");
  }
});
