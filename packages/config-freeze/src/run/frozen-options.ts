import { isRecord, ownMember, unstorablePaths } from "../plain-json.ts";

/**
 * Options of a middleware as a manifest holds them: core has made them JSON, with markers for
 * functions; what looks like a secret becomes a marker as well.
 */
export function sealOptions(
  recorded: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (unstorablePaths(recorded).length === 0) return recorded;
  return withoutSecrets(recorded) as Record<string, unknown>;
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => (isStorable(item) ? item : withoutSecrets(item)));
  }
  if (!isRecord(value)) return isStorable(value) ? value : SECRET;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (isStorable({ [key]: item })) return [key, item];
      return [key, isRecord(item) || Array.isArray(item) ? withoutSecrets(item) : SECRET];
    }),
  );
}

function isStorable(value: unknown): boolean {
  return unstorablePaths(value).length === 0;
}

const SECRET = { "~secret": true };

/** Frozen options over live ones: what a manifest cannot hold comes from the live process. */
export function thawOptions(
  recorded: Readonly<Record<string, unknown>>,
  live: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return thaw(recorded, live) as Record<string, unknown>;
}

function thaw(recorded: unknown, live: unknown): unknown {
  if (Array.isArray(recorded)) {
    const from: readonly unknown[] = Array.isArray(live) ? live : [];
    return recorded.map((item, index) => thaw(item, from[index]));
  }
  if (!isRecord(recorded)) return recorded;
  const marker = Object.keys(recorded).find((key) => key.startsWith("~"));
  if (marker !== undefined) return revive(marker, recorded[marker], live);
  const from = isRecord(live) ? live : {};
  // An option that a newer release added was not there to be recorded.
  const keys = new Set([...Object.keys(recorded), ...Object.keys(from)]);
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      Object.hasOwn(recorded, key) ? thaw(recorded[key], ownMember(from, key)) : from[key],
    ]),
  );
}

/** What core writes for values JSON has no word for. */
function revive(marker: string, text: unknown, live: unknown): unknown {
  if (marker === "~number") return Number(text);
  if (marker === "~bigint") return BigInt(String(text));
  if (marker !== "~regexp") return live;
  const [, source = "", flags = ""] = /^\/(.*)\/([a-z]*)$/su.exec(String(text)) ?? [];
  return new RegExp(source, flags);
}
