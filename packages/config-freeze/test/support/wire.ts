import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint, OpenAIEndpointOptions } from "@evenkeel/testing";
import { afterAll, beforeAll, beforeEach } from "vitest";

import { frozenPart } from "./frozen-part.ts";
import type { FrozenPart } from "./frozen-part.ts";

/** The local endpoint of a test file, emptied before each test. */
export interface Wire {
  endpoint(): OpenAIEndpoint;
  /** What each request said beside the conversation, in order of arrival. */
  sent(): FrozenPart[];
  /** The body of a request, by order of arrival. */
  body(index: number): Record<string, unknown>;
}

/** Starts an endpoint for the tests of a file. */
export function useWire(options: OpenAIEndpointOptions): Wire {
  let running: OpenAIEndpoint | undefined;
  const endpoint = (): OpenAIEndpoint => {
    if (running === undefined) throw new Error("The endpoint runs in tests only.");
    return running;
  };
  beforeAll(async () => {
    running = await startOpenAIEndpoint(options);
  });
  afterAll(() => running?.close());
  beforeEach(() => running?.clear());
  return {
    endpoint,
    sent: () => endpoint().requests.map(({ rawBody }) => frozenPart(rawBody)),
    body: (index) =>
      JSON.parse(endpoint().requests[index]?.rawBody ?? "{}") as Record<string, unknown>,
  };
}
