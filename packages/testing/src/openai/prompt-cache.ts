import { createHash } from "node:crypto";

import type { ChatRequest } from "./request.ts";
import { messageTokens, preambleTokens } from "./usage.ts";

const BLOCK_TOKENS = 128;

/**
 * Remembers the prefixes of prompts as a provider's prompt cache does, and tells how many tokens of
 * a request were seen before: whole messages, in blocks of 128, from `minTokens` on.
 */
export function createPromptCache(minTokens: number): (request: ChatRequest) => number {
  const seen = new Set<string>();
  return (request) => {
    const { model, tools, response_format: format, messages } = request;
    const prefix = createHash("sha256").update(JSON.stringify([model, tools, format]));
    let tokens = preambleTokens(request);
    let cached = 0;
    let unbroken = true;
    for (const message of messages) {
      prefix.update(JSON.stringify(message));
      tokens += messageTokens(message);
      const digest = prefix.copy().digest("base64");
      unbroken &&= seen.has(digest);
      if (unbroken) cached = tokens;
      seen.add(digest);
    }
    return cached < minTokens ? 0 : Math.floor(cached / BLOCK_TOKENS) * BLOCK_TOKENS;
  };
}
