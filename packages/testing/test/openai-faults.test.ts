import { ContextOverflowError } from "@langchain/core/errors";
import { ChatOpenAI } from "@langchain/openai";
import { afterEach, describe, expect, test } from "vitest";

import { type OpenAIEndpoint, startOpenAIEndpoint } from "../src/openai/endpoint.ts";
import type { ChatFault, ChatScript } from "../src/openai/script.ts";

let endpoint: OpenAIEndpoint;
afterEach(() => endpoint.close());

async function chat(script: ChatScript, maxRetries = 0): Promise<ChatOpenAI> {
  endpoint = await startOpenAIEndpoint({ script, chunkChars: 4 });
  const configuration = { baseURL: endpoint.url };
  return new ChatOpenAI({ model: "gpt-5.2", apiKey: "none", maxRetries, configuration });
}

function faulty(fault: ChatFault): ChatScript {
  return () => ({ content: "a content of some length", fault });
}

async function streamed(model: ChatOpenAI): Promise<{ text: string; error: unknown }> {
  let text = "";
  try {
    for await (const chunk of await model.stream("Hi")) text += chunk.text;
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}

describe("a status fault", () => {
  test.each([429, 500, 503, 401])("%i reaches the client as that status", async (status) => {
    const model = await chat(faulty({ status }));
    await expect(model.invoke("Hi")).rejects.toMatchObject({ status });
  });

  test("429 tells when to come back, and the retry gets the next turn", async () => {
    const model = await chat(
      [{ fault: { status: 429, retryAfterMs: 20 } }, { content: "after all" }],
      2,
    );
    expect((await model.invoke("Hi")).content).toBe("after all");
    expect(endpoint.requests).toHaveLength(2);
  });

  test("429 carries its wait in both headers", async () => {
    await chat(faulty({ status: 429, retryAfterMs: 1500 }));
    const response = await fetch(`${endpoint.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "m", messages: [] }),
    });
    expect(response.headers.get("retry-after-ms")).toBe("1500");
    expect(response.headers.get("retry-after")).toBe("1.5");
    expect(await response.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
  });

  test("a conversation too long is the error LangChain knows", async () => {
    const model = await chat(faulty({ kind: "context-length" }));
    const error: unknown = await model.invoke("Hi").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ContextOverflowError);
  });
});

describe("a connection fault", () => {
  test("resets before a byte, whole and streamed", async () => {
    const model = await chat(faulty({ kind: "reset" }));
    await expect(model.invoke("Hi")).rejects.toThrow("Connection error");
    expect(await streamed(model)).toMatchObject({ text: "", error: expect.anything() });
  });

  test("resets in mid-stream after part of the content", async () => {
    const model = await chat(faulty({ kind: "reset", afterChunks: 3 }));
    const { text, error } = await streamed(model);
    expect(text).toBe("a conten");
    expect(error).toBeInstanceOf(Error);
  });

  test("resets in the middle of a whole answer", async () => {
    const model = await chat(faulty({ kind: "reset", afterChunks: 1 }));
    await expect(model.invoke("Hi")).rejects.toThrow("terminated");
  });

  test("hangs until the caller's signal", async () => {
    const model = await chat(faulty({ kind: "hang" }));
    const abort = new AbortController();
    const answer = model.invoke("Hi", { signal: abort.signal });
    answer.catch(() => {});
    await endpoint.waitForRequests(1);
    abort.abort();
    await expect(answer).rejects.toThrow(/abort/i);
  });

  test("hangs in mid-stream until the endpoint closes", async () => {
    const model = await chat(faulty({ kind: "hang", afterChunks: 2 }));
    const stream = await model.stream("Hi");
    const texts: string[] = [];
    const reading = (async () => {
      for await (const chunk of stream) {
        texts.push(chunk.text);
        if (chunk.text !== "") void endpoint.close();
      }
    })();
    await expect(reading).rejects.toThrow("terminated");
    expect(texts.join("")).toBe("a co");
  });

  test("sends slowly, but all of it", async () => {
    const model = await chat(faulty({ kind: "slow", chunkDelayMs: 2 }));
    expect(await streamed(model)).toEqual({ text: "a content of some length", error: undefined });
    expect((await model.invoke("Hi")).content).toBe("a content of some length");
  });

  test("answers what is not JSON", async () => {
    const model = await chat(faulty({ kind: "malformed" }));
    await expect(model.invoke("Hi")).rejects.toThrow("JSON");
    expect((await streamed(model)).error).toBeInstanceOf(SyntaxError);
  });
});

test("a delay ends when the caller leaves, and the next request is served", async () => {
  const model = await chat((_, { index }) => ({
    content: "ok",
    delayMs: index === 0 ? 3_600_000 : 0,
  }));
  const abort = new AbortController();
  const answer = model.invoke("Hi", { signal: abort.signal });
  answer.catch(() => {});
  await endpoint.waitForRequests(1);
  abort.abort();
  await expect(answer).rejects.toThrow(/abort/i);
  expect((await model.invoke("Hi")).content).toBe("ok");
});

test("a script that throws is a coded error of the model call", async () => {
  const model = await chat(() => {
    throw new Error("no such order in the script");
  });
  await expect(model.invoke("Hi")).rejects.toMatchObject({
    code: "script-failed",
    message: expect.stringContaining("no such order in the script"),
  });
});

test("a body that is no chat request is refused and still on record", async () => {
  await chat([]);
  const response = await fetch(`${endpoint.url}/chat/completions`, { method: "POST", body: "{" });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "invalid-request" } });
  expect(endpoint.requests).toMatchObject([{ rawBody: "{", body: undefined }]);
});
