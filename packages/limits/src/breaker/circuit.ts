import {
  CircuitState,
  CountBreaker,
  IterableBackoff,
  circuitBreaker,
  handleWhenResult,
} from "cockatiel";

/** When a circuit opens, and how long it stays so. */
export interface CircuitOptions {
  /** Calls the window holds. */
  readonly window: number;
  /** Calls in the window before it can open. */
  readonly minimumCalls: number;
  /** The share of failures above which it opens, between 0 and 1. */
  readonly threshold: number;
  /** How long it stays open, after each trial call that failed; the last one stands. */
  readonly waitsMs: readonly number[];
}

/** `due` waits for its trial call; `probing` has it under way. */
type CircuitStatus = "closed" | "open" | "due" | "probing";

/** One circuit of cockatiel's, whose calls are judged by somebody else. */
export interface Circuit {
  status(): CircuitStatus;
  /** Milliseconds until the next trial call; 0 where it is not open. */
  retryAfterMs(): number;
  /** Notes what a call came to that was let through; true where that opened the circuit. */
  record(ok: boolean): Promise<boolean>;
  /** Begins the trial call of a circuit that is due. */
  probe(): Probe;
  /** Since when it has been open or closed, in epoch milliseconds. */
  since(): number;
  /** JSON from which it can be made again. */
  state(): CircuitJson;
}

/** A trial call under way. */
interface Probe {
  /** Ends it: the circuit closes, opens again, or, where it proved nothing, is due as before. */
  settle(ok: boolean | undefined): Promise<void>;
}

/** A trial call that does not come back, or that its process took to the grave, is given again after this. */
export const PROBE_LEASE_MS = 60_000;

/** A circuit as cockatiel writes it. */
export interface CircuitJson {
  readonly ownState: {
    readonly value: number;
    readonly openedAt?: number;
    readonly attemptNo?: number;
  };
  readonly breakerState: Readonly<Record<string, unknown>>;
}

/** What a circuit begins with. */
export interface CircuitStart {
  /** As it was kept. @default closed */
  readonly kept?: { readonly state: CircuitJson; readonly since: number };
  /** Calls that went well before anybody counted. @default 0 */
  readonly successes?: number;
}

/** Makes a circuit. */
export function makeCircuit(
  options: CircuitOptions,
  { kept, successes = 0 }: CircuitStart = {},
): Circuit {
  const { window, minimumCalls, threshold, waitsMs } = options;
  const build = (state: CircuitJson | undefined): ReturnType<typeof circuitBreaker> => {
    const counts = { size: window, threshold, minimumNumberOfCalls: minimumCalls };
    const breaker = new CountBreaker(counts);
    for (let call = 0; call < successes; call += 1) breaker.success(CircuitState.Closed);
    return circuitBreaker(
      handleWhenResult((ok) => ok === false),
      {
        breaker,
        halfOpenAfter: new IterableBackoff(waitsMs),
        ...(state === undefined ? {} : { initialState: structuredClone(state) }),
      },
    );
  };
  let policy = build(kept?.state);
  let isOpen = policy.state !== CircuitState.Closed;
  let trial: { readonly before: CircuitJson; readonly begunAt: number } | undefined;
  let since = kept?.since ?? Date.now();
  const json = (): CircuitJson => policy.toJSON() as CircuitJson;

  const leftMs = (): number => {
    const state = json();
    const { openedAt = 0, attemptNo = 1 } = state.ownState;
    const now = Date.now();
    if (openedAt > now) {
      // The clock was set back: the wait begins again, instead of lasting as long as that.
      policy = build({ ...state, ownState: { ...state.ownState, openedAt: now } });
    }
    const waitMs = waitsMs[Math.min(attemptNo, waitsMs.length) - 1] ?? 0;
    return Math.max(0, Math.min(openedAt, now) + waitMs - now);
  };
  const giveUp = (): void => {
    if (trial === undefined) return;
    policy = build(trial.before);
    trial = undefined;
  };
  const status = (): CircuitStatus => {
    if (policy.state === CircuitState.Closed) return "closed";
    const onTrialMs = trial === undefined ? 0 : Date.now() - trial.begunAt;
    if (onTrialMs > PROBE_LEASE_MS) giveUp();
    if (policy.state === CircuitState.HalfOpen) return "probing";
    return leftMs() > 0 ? "open" : "due";
  };
  return {
    status,
    retryAfterMs: () => (policy.state === CircuitState.Open ? leftMs() : 0),
    async record(ok) {
      // A call that began before the circuit opened has nothing to say on whether it may close.
      if (policy.state !== CircuitState.Closed) return false;
      await policy.execute(() => ok);
      // Several calls may have failed at once: the first one opened it.
      if (policy.state === CircuitState.Closed || isOpen) return false;
      isOpen = true;
      since = Date.now();
      return true;
    },
    probe() {
      const own = { before: json(), begunAt: Date.now() };
      trial = own;
      let answer: (ok: boolean) => void = () => undefined;
      const outcome = new Promise<boolean>((resolve) => {
        answer = resolve;
      });
      const probed = policy.execute(() => outcome);
      return {
        async settle(ok) {
          // It took so long that another one was let through in its place.
          if (trial !== own) return;
          if (ok === undefined) return giveUp();
          trial = undefined;
          answer(ok);
          await probed;
          isOpen = !ok;
          since = Date.now();
        },
      };
    },
    since: () => since,
    state: json,
  };
}

/** Reads a kept state; undefined for one this release cannot read. */
export function readCircuit(state: unknown, { window }: CircuitOptions): CircuitJson | undefined {
  const held = state as Partial<CircuitJson> | null | undefined;
  const value = held?.ownState?.value;
  const samples = held?.breakerState?.["samples"];
  const known = value === CircuitState.Closed || value === CircuitState.Open;
  const times = [held?.ownState?.openedAt ?? 0, held?.ownState?.attemptNo ?? 1];
  // A window of another size counts other calls: it begins anew, and what is open stays open.
  if (!known || !Array.isArray(samples) || !times.every(Number.isFinite)) return undefined;
  if (samples.length === window) return held as CircuitJson;
  const fresh = new CountBreaker({ size: window, threshold: 0.5 }).state;
  return {
    ownState: held?.ownState ?? { value },
    breakerState: fresh as CircuitJson["breakerState"],
  };
}
