/**
 * The program of the small process that stands between this one and Postgres. It runs one child at
 * a time, and when the process that started it goes away, however that happens, it stops the child,
 * removes the folder and ends. It is passed to `node -e`, so that it runs alike from source and from
 * a build; its one argument is a JSON object of {@link SupervisorArguments}.
 */
export const SUPERVISOR_PROGRAM: string = String.raw`
const { spawn } = require("node:child_process");
const { closeSync, openSync, rmSync } = require("node:fs");
const { folder, log, uid, gid, killAfterMs } = JSON.parse(process.argv[1]);
process.title = "evenkeel-postgres-supervisor";
let child, leaving = false;

function report(message) {
  if (process.connected) process.send(message, () => {});
}
function remove() {
  try { rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }); } catch {}
  process.exit(0);
}
function leave() {
  if (leaving) return;
  leaving = true;
  if (child === undefined) return remove();
  child.once("exit", remove);
  child.kill("SIGQUIT");
  setTimeout(() => child.kill("SIGKILL"), killAfterMs);
}

process.on("disconnect", leave);
process.on("SIGTERM", leave);
process.on("SIGINT", leave);
process.on("SIGHUP", () => {});
process.on("message", (message) => {
  if (leaving) return;
  if (message.signal !== undefined) {
    child?.kill(message.signal);
    return;
  }
  const output = openSync(log, "a");
  const started = spawn(message.file, message.args, {
    cwd: folder, env: message.env, uid, gid, windowsHide: true, stdio: ["ignore", output, output],
  });
  closeSync(output);
  child = started;
  started.once("spawn", () => report({ spawned: started.pid }));
  started.once("error", (error) => {
    child = undefined;
    report({ failed: error.message });
  });
  started.once("exit", (code, signal) => {
    child = undefined;
    report({ exited: { code, signal } });
  });
});
report({ ready: true });
`;

/** What the supervisor is told when it starts. */
export interface SupervisorArguments {
  /** Folder that goes when it goes. */
  readonly folder: string;
  /** File that takes what its children print. */
  readonly log: string;
  /** User its children run as. @default its own */
  readonly uid?: number;
  /** Group its children run as. @default its own */
  readonly gid?: number;
  /** Longest Postgres may take to stop before it is killed. */
  readonly killAfterMs: number;
}
