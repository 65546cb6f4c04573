import { randomInt } from "node:crypto";
import { createServer } from "node:net";

import { TestDatabaseError } from "./database-error.ts";

// Below the ports that systems hand to outgoing connections (from 32768 on Linux, 49152 elsewhere):
// there, a client that reconnects during a restart can take the server's port, even by connecting
// to itself.
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 50;

/** Finds a port on 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) return port;
  }
  throw new TestDatabaseError({
    code: "port-unavailable",
    message: `None of ${ATTEMPTS} ports tried between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1 was free.`,
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
