const MAX_LINKS = 8;

/** Milliseconds a server asked to wait, from the headers or fields of an error or its causes. */
export function retryAfterMs(error: unknown, now: () => number): number | undefined {
  let link = error;
  for (let depth = 0; depth < MAX_LINKS && link !== undefined && link !== null; depth += 1) {
    const asked = askedBy(link, now);
    if (asked !== undefined) return asked;
    link = member(link, "cause");
  }
  return undefined;
}

function askedBy(error: unknown, now: () => number): number | undefined {
  const plain =
    numeric(member(error, "retryAfterMs")) ??
    numeric(member(member(error, "details"), "retryAfterMs"));
  if (plain !== undefined) return plain;
  const all = [member(error, "headers"), member(member(error, "response"), "headers")];
  for (const headers of all) {
    const exact = numeric(header(headers, "retry-after-ms"));
    if (exact !== undefined) return exact;
    const text = header(headers, "retry-after");
    const seconds = numeric(text);
    if (seconds !== undefined) return seconds * 1_000;
    // Date.parse takes "-5" for a month of some year.
    const at = typeof text === "string" && /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at)) return Math.max(0, at - now());
  }
  return undefined;
}

function header(headers: unknown, name: string): unknown {
  const get = member(headers, "get");
  if (typeof get === "function") return get.call(headers, name) as unknown;
  if (typeof headers !== "object" || headers === null) return undefined;
  const key = Object.keys(headers).find((one) => one.toLowerCase() === name);
  return key === undefined ? undefined : member(headers, key);
}

function numeric(value: unknown): number | undefined {
  if (typeof value !== "number" && (typeof value !== "string" || value.trim() === "")) {
    return undefined;
  }
  const number = Number(value);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return Reflect.get(value, key) as unknown;
  } catch {
    // A getter or proxy of someone else threw: then it says nothing.
    return undefined;
  }
}
