/** Adds up the time in which at least one thing is at work. */
export interface Stopwatch {
  enter(): void;
  leave(): void;
  /** Milliseconds at work so far. */
  elapsedMs(): number;
}

/** Makes a stopwatch; a clock that is set back, or gives no number, adds nothing. */
export function stopwatch(now: () => number): Stopwatch {
  let atWork = 0;
  let total = 0;
  let since = 0;
  const lap = (): void => {
    const time = now();
    const passed = time - since;
    if (passed > 0 && Number.isFinite(total + passed)) total += passed;
    since = time;
  };
  return {
    enter() {
      if (atWork === 0) since = now();
      atWork += 1;
    },
    leave() {
      if (atWork === 0) return;
      lap();
      atWork -= 1;
    },
    elapsedMs() {
      if (atWork > 0) lap();
      return total;
    },
  };
}

/**
 * The clock to measure by: a run's own where it was given one, else the monotonic one. The system's
 * can be set while a run is at work.
 */
export function steadyClock(clockOfRun: () => number): () => number {
  return clockOfRun === Date.now ? () => performance.now() : clockOfRun;
}
