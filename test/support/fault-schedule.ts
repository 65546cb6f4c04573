/** What happens to one call of a service. */
export interface ScheduledFault {
  /** The phase it belongs to. */
  readonly phase: string;
  /** Undefined where the call succeeds. */
  readonly status: number | undefined;
  /** What the service asks for with a 429, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** How long the call takes, in milliseconds. */
  readonly tookMs: number;
  /** Whether the same call meets it again when it is tried again at once. */
  readonly lasts: boolean;
}

/** A stretch of calls that go alike. */
export interface FaultPhase {
  readonly name: string;
  readonly calls: number;
  /** What happens to a call, by chance and by its position in the phase. */
  readonly fault: (random: () => number, position: number) => Omit<ScheduledFault, "phase">;
}

const answered = (tookMs: number): Omit<ScheduledFault, "phase"> => ({
  status: undefined,
  retryAfterMs: undefined,
  tookMs,
  lasts: true,
});
const failed = (
  status: number,
  tookMs: number,
  retryAfterMs?: number,
): Omit<ScheduledFault, "phase"> => ({
  status,
  retryAfterMs,
  tookMs,
  lasts: true,
});

/** A service's bad day: passing trouble, throttling, an outage, flapping, slowness, and quiet between. */
const BAD_DAY: readonly FaultPhase[] = [
  { name: "quiet", calls: 40, fault: () => answered(100) },
  {
    name: "transient",
    calls: 40,
    fault: (random) => (random() < 0.1 ? { ...failed(503, 200), lasts: false } : answered(100)),
  },
  {
    name: "throttled",
    calls: 40,
    fault: (random) => (random() < 0.5 ? failed(429, 50, 2_000) : answered(100)),
  },
  { name: "hard down", calls: 80, fault: () => failed(503, 10_000) },
  {
    name: "flapping",
    calls: 80,
    fault: (random, position) =>
      Math.floor(position / 8) % 2 === 0
        ? failed(503, 3_000)
        : answered(100 + Math.floor(random() * 50)),
  },
  { name: "slow", calls: 40, fault: (random) => answered(4_000 + Math.floor(random() * 2_000)) },
  { name: "quiet again", calls: 40, fault: () => answered(100) },
];

/** Draws what happens to each call of the phases; the same for the same seed. */
export function faultSchedule(
  seed: number,
  phases: readonly FaultPhase[] = BAD_DAY,
): readonly ScheduledFault[] {
  const random = seededRandom(seed);
  return phases.flatMap(({ name, calls, fault }) =>
    Array.from({ length: calls }, (_, position) => ({ phase: name, ...fault(random, position) })),
  );
}

/** Mulberry32: small, and good enough to scatter faults. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
