import { factOf } from "./fact.ts";

const maxFacts = 24;
const maxValue = 100;

/**
 * Hashes what a call was made with: one fact a scalar argument (`tool.argument=value`), list items
 * apiece. Texts over 100 characters count only as having been given.
 */
export function callFacts(tool: string, callArguments: unknown): string[] {
  const facts: string[] = [];
  const visit = (path: string, value: unknown, depth: number): void => {
    if (facts.length >= maxFacts || depth > 6) return;
    if (Array.isArray(value)) {
      for (const item of value.slice(0, maxFacts)) visit(path, item, depth + 1);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, member] of Object.entries(value)) visit(`${path}.${key}`, member, depth + 1);
    } else if (value !== undefined && value !== null && value !== "") {
      facts.push(factOf(`${path}=${scalar(value)}`));
    }
  };
  try {
    visit(tool, callArguments, 0);
  } catch {
    facts.push(factOf(`${tool}=[unreadable]`));
  }
  return [...new Set(facts)];
}

function scalar(value: unknown): string {
  const text = String(value);
  return text.length > maxValue ? "[text]" : text;
}
