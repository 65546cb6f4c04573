import { setImmediate as turnOfTheLoop } from "node:timers/promises";

/** Random numbers that a seed brings back: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A world with one clock, in which only one process moves at a time, and a seed says which. */
export interface Scheduler {
  readonly now: () => number;
  /** Lets others go first; the process may be held up for long, and never comes back once dead. */
  readonly turn: (process: Process, atLeastMs?: number) => Promise<void>;
  /** Moves until nobody waits any more, or the steps are used up; answers whether they were enough. */
  readonly run: (mostSteps: number) => Promise<boolean>;
}

/** A process of the simulated world. */
export interface Process {
  readonly name: string;
  dead: boolean;
}

interface Waiting {
  readonly process: Process;
  readonly from: number;
  readonly go: () => void;
}

/** How often a process is held up, for how long, and how fast time goes. */
export interface Weather {
  readonly stallChance: number;
  readonly stallMs: number;
}

/** Makes such a world. */
export function scheduler(random: () => number, weather: () => Weather): Scheduler {
  let time = 1_000_000;
  let waiting: Waiting[] = [];

  return {
    now: () => time,
    turn: (process, atLeastMs = 0) => {
      const { stallChance, stallMs } = weather();
      const stall = random() < stallChance ? random() * stallMs : 0;
      const from = time + atLeastMs + stall;
      return new Promise((go) => waiting.push({ process, from, go }));
    },
    async run(mostSteps) {
      for (let step = 0; step < mostSteps; step += 1) {
        waiting = waiting.filter(({ process }) => !process.dead);
        if (waiting.length === 0) return true;
        time += Math.floor(random() * 10);
        const earliest = Math.min(...waiting.map(({ from }) => from));
        time = Math.max(time, earliest);
        const ready = waiting.filter(({ from }) => from <= time);
        const next = ready[Math.floor(random() * ready.length)];
        if (next === undefined) return true;
        waiting.splice(waiting.indexOf(next), 1);
        next.go();
        await turnOfTheLoop();
      }
      return false;
    },
  };
}
