import type { EvenkeelEvent, EvenkeelEventName } from "@evenkeel/core";

/** A loop that another middleware reported. */
export interface SeenLoop {
  kind: string;
  rounds: number;
  /** What was done about it: `steer`, `block` or `stop`. */
  action: string;
  /** The call it was seen at, by id. */
  callId: string | null;
  /** The same by its place among the run's calls, where it was told. */
  step: number | null;
}

/** What the middleware of a run reported through its events: bounded, and kept with the thread. */
export interface EventSums {
  /** How often each event came, by name. */
  counts: Record<string, number>;
  loop: SeenLoop | null;
  /** The nearest budget's spent share; 1 of one that is used up. */
  budgetSpent: number | null;
  /** Which budget that is. */
  budget: string | null;
  /** What drifted: configuration fields, and tools that changed, vanished or were revoked. */
  drift: string[];
  /** What a circuit breaker was opened for. */
  breakers: string[];
  /** Tools whose effect is of unknown fate. */
  unknownEffects: string[];
}

const MOST_NAMES = 48;
const MOST_ENTRIES = 32;
const MOST_LENGTH = 120;

/** The sums of a run in which nothing was reported yet. */
export const NO_EVENTS: EventSums = {
  counts: {},
  loop: null,
  budgetSpent: null,
  budget: null,
  drift: [],
  breakers: [],
  unknownEffects: [],
};

type Taker = (sums: EventSums, event: EvenkeelEvent) => Partial<EventSums>;

const drifted: Taker = ({ drift }, { name, detail }) => ({
  drift: among(drift, [`${name}: ${subjectOf(detail)}`]),
});

/** What is kept of an event beside its count; the others are only counted. */
const TAKERS: Readonly<Partial<Record<EvenkeelEventName, Taker>>> = {
  "loop-detected": ({ loop }, { detail, callId }) => ({
    loop: heavier(loop, loopOf(detail, callId)),
  }),
  "budget-warned": (sums, { detail }) => spent(sums, detail, shareOf(detail) ?? 0.9),
  "budget-exhausted": (sums, { detail }) => spent(sums, detail, Math.max(1, shareOf(detail) ?? 1)),
  "breaker-opened": ({ breakers }, { detail }) => ({
    breakers: among(breakers, [subjectOf(detail)]),
  }),
  "effect-unknown": ({ unknownEffects }, { detail }) => ({
    unknownEffects: among(unknownEffects, [subjectOf(detail)]),
  }),
  "config-drifted": ({ drift }, { detail }) => ({ drift: among(drift, fieldsOf(detail)) }),
  "tool-changed": drifted,
  "tool-vanished": drifted,
  revoked: drifted,
};

/** Takes one event in. Middleware meet here by name and detail, never by import. */
export function takeEvent(sums: EventSums, event: EvenkeelEvent): EventSums {
  const { name } = event;
  return { ...sums, counts: count(sums.counts, name), ...TAKERS[name]?.(sums, event) };
}

/** Reads sums that an earlier process kept; damage reads as nothing. */
export function eventSums(kept: unknown): EventSums {
  if (typeof kept !== "object" || kept === null) return NO_EVENTS;
  return { ...NO_EVENTS, ...(kept as Partial<EventSums>) };
}

type Detail = EvenkeelEvent["detail"];

function count(counts: Readonly<Record<string, number>>, name: string): Record<string, number> {
  const known = Object.hasOwn(counts, name);
  if (!known && Object.keys(counts).length >= MOST_NAMES) return counts;
  return { ...counts, [name]: (known ? (counts[name] ?? 0) : 0) + 1 };
}

function heavier(one: SeenLoop | null, other: SeenLoop): SeenLoop {
  return one !== null && one.rounds > other.rounds ? one : other;
}

function spent({ budgetSpent }: EventSums, detail: Detail, share: number): Partial<EventSums> {
  if (budgetSpent !== null && budgetSpent > share) return {};
  return { budgetSpent: share, budget: textOf(detail, ["limit", "budget", "name"]) ?? null };
}

function loopOf(detail: Detail, callId: string | null): SeenLoop {
  return {
    kind: textOf(detail, ["kind", "detector"]) ?? "loop",
    rounds: Math.round(numberOf(detail, ["rounds", "count", "times"]) ?? 3),
    action: textOf(detail, ["action"]) ?? "none",
    callId,
    step: numberOf(detail, ["step"]) ?? null,
  };
}

/** The spent share of a budget: as it is told, or spent over limit. */
function shareOf(detail: Detail): number | undefined {
  const share = numberOf(detail, ["share"]);
  if (share !== undefined) return share;
  const [used, allowed] = [numberOf(detail, ["spent"]), numberOf(detail, ["allowed"])];
  return used === undefined || allowed === undefined || allowed <= 0 ? undefined : used / allowed;
}

function subjectOf(detail: Detail): string {
  return textOf(detail, ["tool", "subject", "name", "key", "model", "configHash"]) ?? "unnamed";
}

function fieldsOf({ fields }: Detail): string[] {
  if (!Array.isArray(fields)) return ["unnamed"];
  return fields.map((entry: unknown) => {
    const field = typeof entry === "string" ? entry : (entry as { field?: unknown } | null)?.field;
    return typeof field === "string" ? field : "unnamed";
  });
}

function among(known: readonly string[], more: readonly string[]): string[] {
  const all = [...known, ...more.map((text) => text.slice(0, MOST_LENGTH))];
  return [...new Set(all)].slice(0, MOST_ENTRIES);
}

function textOf(detail: Detail, keys: readonly string[]): string | undefined {
  const found = keys.map((key) => detail[key]).find((value) => typeof value === "string");
  return typeof found === "string" ? found.slice(0, MOST_LENGTH) : undefined;
}

function numberOf(detail: Detail, keys: readonly string[]): number | undefined {
  const found = keys.map((key) => detail[key]).find((value) => Number.isFinite(value));
  return typeof found === "number" ? found : undefined;
}
