/** Beats at each third of a lease until it is stopped; keeps no process alive. */
export function heartbeat(leaseMs: number, beat: () => Promise<void>): () => void {
  let beating = false;
  const timer = setInterval(() => {
    // A store that is slow to answer is not asked a second time meanwhile.
    if (beating) return;
    beating = true;
    void beat()
      .catch(() => undefined)
      .finally(() => {
        beating = false;
      });
  }, leaseMs / 3);
  timer.unref();
  return () => clearInterval(timer);
}
