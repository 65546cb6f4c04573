import { shortHash } from "./short-hash.ts";

/** What a value may become before it is fingerprinted or stored: JSON and nothing else. */
export type PlainJson =
  | null
  | boolean
  | number
  | string
  | PlainJson[]
  | { [key: string]: PlainJson };

const maxDepth = 24;
const maxNodes = 20_000;
const maxText = 64 * 1024;

/**
 * Turns anything a model or caller passed as arguments into plain JSON that can be hashed: cycles,
 * big integers, functions, lone surrogates and values deeper than 24 levels become short markers
 * instead of failing the run. Keys are sorted; members that are `undefined` are left out.
 */
export function toPlainJson(value: unknown): PlainJson {
  const open = new Set<object>();
  let nodes = 0;

  const visit = (part: unknown, depth: number): PlainJson => {
    nodes += 1;
    if (nodes > maxNodes || depth > maxDepth) return "[cut]";
    if (typeof part === "string") return plainText(part);
    if (typeof part === "boolean" || part === null) return part;
    if (typeof part === "number") return Number.isFinite(part) ? part : `[${part}]`;
    if (typeof part === "bigint") return `${part}`;
    if (typeof part !== "object") return `[${typeof part}]`;
    if (open.has(part)) return "[circular]";
    open.add(part);
    const plain = visitObject(part, depth);
    open.delete(part);
    return plain;
  };

  const visitObject = (part: object, depth: number): PlainJson => {
    if (part instanceof Date) return Number.isNaN(part.getTime()) ? "[date]" : part.toISOString();
    if (Array.isArray(part)) return part.slice(0, maxNodes).map((item) => visit(item, depth + 1));
    if (part instanceof Map) return visit(Object.fromEntries(part), depth + 1);
    if (part instanceof Set) return visit([...part], depth + 1);
    const plain: Record<string, PlainJson> = {};
    for (const key of readKeys(part)) {
      const member = readMember(part, key);
      if (member !== undefined) plain[key] = visit(member, depth + 1);
    }
    return plain;
  };

  return visit(value, 0);
}

function plainText(text: string): string {
  const wellFormed = /[\uD800-\uDFFF]/.test(text)
    ? text.replaceAll(/\p{Surrogate}/gu, "\uFFFD")
    : text;
  if (wellFormed.length <= maxText) return wellFormed;
  return `${wellFormed.slice(0, maxText / 2)}[${wellFormed.length} ${shortHash(wellFormed)}]`;
}

function readKeys(part: object): string[] {
  try {
    return Object.keys(part).toSorted();
  } catch {
    return [];
  }
}

function readMember(part: object, key: string): unknown {
  try {
    return Reflect.get(part, key);
  } catch {
    // A getter or proxy that throws must not take the run down with it.
    return "[unreadable]";
  }
}
