// Names that would change what Postgres or the supervising Node does: libpq's own settings,
// libraries of another installation, and loaders meant for the caller's process.
const UNWANTED = /^(?:PG|NODE_|LC_|LANG|LD_LIBRARY_PATH$|DYLD_|VITEST)/u;

/** The environment in which Postgres behaves the same on every machine: no locale, no time zone. */
export function serverEnvironment(from: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(from).filter(([name]) => !UNWANTED.test(name));
  // With TZ set initdb does not search the machine's zone files for the one in use (100 ms).
  return { ...Object.fromEntries(kept), LC_ALL: "C", TZ: "UTC" };
}
