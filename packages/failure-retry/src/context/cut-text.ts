const GAP = (left: number): string => `… ${left} characters …`;

/**
 * The head and the tail of a text that is too long, with what was left out counted. A JSON text is
 * cut inside: its long texts and lists are shortened first, so that it still shows its shape.
 */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  if (maxChars <= 0) return text === "" ? "" : `[${text.length} characters]`;
  const json = parsed(text);
  if (json === undefined) return headAndTail(text, maxChars);
  for (const [strings, members] of SHRINKS) {
    const shrunk = JSON.stringify(shrink(json, Math.ceil(maxChars * strings), members, 0));
    if (shrunk.length <= maxChars) return shrunk;
  }
  return headAndTail(text, maxChars);
}

/** Per try: the share of the limit one text may take, and how many members a list or object shows. */
const SHRINKS: readonly (readonly [number, number])[] = [
  [0.5, 20],
  [0.25, 10],
  [0.1, 5],
  [0.05, 3],
  [0.02, 2],
];

function headAndTail(text: string, maxChars: number): string {
  const gap = GAP(text.length);
  const kept = maxChars - gap.length;
  if (kept < 2) return well(text.slice(0, maxChars));
  const head = Math.ceil(kept * 0.6);
  const tail = kept - head;
  const left = text.length - head - tail;
  return `${well(text.slice(0, head))}${GAP(left)}${well(text.slice(text.length - tail))}`;
}

/** A cut may halve a surrogate pair. */
function well(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

function parsed(text: string): unknown {
  // Longer ones are not worth the parse: head and tail say as much.
  if (text.length > 1_000_000 || !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function shrink(value: unknown, maxString: number, maxMembers: number, depth: number): unknown {
  if (typeof value === "string") {
    return value.length <= maxString ? value : headAndTail(value, Math.max(8, maxString));
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth > 20) return Array.isArray(value) ? "[…]" : "{…}";
  if (Array.isArray(value)) {
    const all = value as unknown[];
    const kept = edges(all, maxMembers).map((one) => shrink(one, maxString, maxMembers, depth + 1));
    if (all.length <= maxMembers) return kept;
    kept.splice(Math.ceil(maxMembers / 2), 0, `… ${all.length - maxMembers} more …`);
    return kept;
  }
  const entries = Object.entries(value);
  const kept = entries
    .slice(0, maxMembers)
    .map(([key, one]) => [key, shrink(one, maxString, maxMembers, depth + 1)]);
  if (entries.length > maxMembers) kept.push(["…", `${entries.length - maxMembers} more`]);
  return Object.fromEntries(kept) as unknown;
}

function edges(all: readonly unknown[], count: number): unknown[] {
  if (all.length <= count) return [...all];
  const head = Math.ceil(count / 2);
  return [...all.slice(0, head), ...all.slice(all.length - (count - head))];
}
