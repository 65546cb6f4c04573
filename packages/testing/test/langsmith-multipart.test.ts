import { describe, expect, test } from "vitest";

import { parseMultipart, partJson } from "../src/langsmith/multipart.ts";
import { operationsOfParts } from "../src/langsmith/operations.ts";

async function encode(form: FormData): Promise<{ body: Buffer; contentType: string }> {
  const response = new Response(form);
  const contentType = response.headers.get("content-type") ?? "";
  return { body: Buffer.from(await response.arrayBuffer()), contentType };
}

function json(value: unknown): Blob {
  return new Blob([JSON.stringify(value)], { type: "application/json; length=1" });
}

describe("a multipart body", () => {
  test("gives back every part byte by byte, boundaries and empty ones too", async () => {
    const form = new FormData();
    const bytes = new Uint8Array([0, 13, 10, 45, 45, 255, 13, 10, 13, 10]);
    form.append("attachment.a.photo", new Blob([bytes], { type: "image/png" }));
    form.append("empty", new Blob([], { type: "application/json" }));
    form.append("é", json({ text: "\r\n--not-the-boundary" }));
    const { body, contentType } = await encode(form);
    const parts = parseMultipart(body, contentType);
    expect(parts.map((part) => part.name)).toEqual(["attachment.a.photo", "empty", "é"]);
    expect(parts.map((part) => part.contentType)).toEqual([
      "image/png",
      "application/json",
      "application/json",
    ]);
    expect(Buffer.from(bytes).equals(parts[0]?.content ?? Buffer.alloc(0))).toBe(true);
    expect(parts[1]?.content).toHaveLength(0);
    expect(parts[2] === undefined ? undefined : partJson(parts[2])).toEqual({
      text: "\r\n--not-the-boundary",
    });
  });

  test("with no part is an empty list", () => {
    expect(parseMultipart(Buffer.from("--b--\r\n"), "multipart/form-data; boundary=b")).toEqual([]);
  });

  test.each([
    ["", "multipart/form-data; boundary=b", "no boundary at the start"],
    ["--b\r\n\r\nx", "multipart/form-data; boundary=b", "cut off after 0 parts"],
    [
      "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--",
      'multipart/form-data; boundary="b"',
      "without a name",
    ],
    ["--b--", "text/plain", "no boundary in content-type"],
    ["--b--", undefined, "no boundary in content-type"],
  ])("%j of type %s is refused: %s", (text, contentType, message) => {
    expect(() => parseMultipart(Buffer.from(text), contentType)).toThrow(message);
  });
});

describe("the parts of runs", () => {
  test("are put together by run, fields apart from it and attachments included", async () => {
    const form = new FormData();
    form.append("post.a", json({ id: "a", name: "first" }));
    form.append("post.a.inputs", json({ x: 1 }));
    form.append("attachment.a.note", new Blob(["hello"], { type: "text/plain" }));
    form.append("patch.b", json({ id: "b" }));
    form.append("patch.b.outputs", json({ y: 2 }));
    const { body, contentType } = await encode(form);
    expect(operationsOfParts(parseMultipart(body, contentType))).toEqual([
      {
        kind: "post",
        id: "a",
        fields: { id: "a", name: "first", inputs: { x: 1 } },
        attachments: { note: { contentType: "text/plain", content: Buffer.from("hello") } },
      },
      { kind: "patch", id: "b", fields: { id: "b", outputs: { y: 2 } }, attachments: {} },
    ]);
  });

  test.each(["post.a.inputs", "attachment.a.note", "other.a", "plain"])(
    "%s without its run is refused by name",
    async (name) => {
      const form = new FormData();
      form.append(name, json({}));
      const { body, contentType } = await encode(form);
      expect(() => operationsOfParts(parseMultipart(body, contentType))).toThrow(name);
    },
  );
});
