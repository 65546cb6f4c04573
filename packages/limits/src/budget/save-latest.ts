/** Saves what keeps changing: never two saves at once, and never a state that is outdated already. */
export interface LatestSaver {
  /** Asks for a save; settles once a save that began after this was asked is through. */
  request(save: () => Promise<void>): Promise<void>;
  /** Settles once nothing is to be saved any more. */
  settled(): Promise<void>;
}

/** Makes a saver; what a save throws goes to `onError`, and whoever waits goes on. */
export function latestSaver(onError: (error: unknown) => void): LatestSaver {
  let running: Promise<void> | undefined;
  let next: { save: () => Promise<void>; done: Promise<void> } | undefined;

  const start = (save: () => Promise<void>): Promise<void> => {
    const work: Promise<void> = (async () => save())()
      .catch(onError)
      .finally(() => {
        if (running === work) running = undefined;
      });
    running = work;
    return work;
  };
  return {
    request(save) {
      if (running === undefined) return start(save);
      if (next !== undefined) {
        next.save = save;
        return next.done;
      }
      const waiting = { save, done: running };
      waiting.done = running.then(() => {
        next = undefined;
        return start(waiting.save);
      });
      next = waiting;
      return waiting.done;
    },
    settled: () => next?.done ?? running ?? Promise.resolve(),
  };
}
