import type { TokenCounter } from "../threshold/token-counter.ts";
import { cleanText, safeEnd } from "./cut.ts";

/** Lays a preview out within about `budget` characters. */
export type Renderer = (budget: number) => string;

const CHARS_A_TOKEN = 3.6;
const ROUNDS = 8;

/** Lays a preview out so that it costs no more than `maxTokens`, as near to it as a few tries come. */
export function fitTokens(
  render: Renderer,
  maxTokens: number,
  counter: TokenCounter,
): { text: string; tokens: number } {
  let budget = Math.floor(maxTokens * CHARS_A_TOKEN);
  // Characters are a guess at tokens, corrected by what was counted.
  for (let round = 0; round < ROUNDS; round += 1) {
    const rendered = cleanText(render(budget));
    // Titles and figures come on top of the budget; twice of it is a layout gone wrong.
    const text = rendered.slice(0, safeEnd(rendered, budget * 2));
    const tokens = counter.count(text);
    if (tokens <= maxTokens) return { text, tokens };
    budget = Math.floor(budget * Math.min(0.85, (maxTokens / tokens) * 0.95));
  }
  // A token is at least a byte: this fits whatever the text is.
  const text = cleanText(render(budget))
    .replace(/[^\n -~]/g, "?")
    .slice(0, maxTokens);
  return { text, tokens: counter.count(text) };
}
