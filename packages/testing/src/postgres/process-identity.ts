import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

import { errorCode } from "../error-code.ts";

/** Names one process so that a later look is not fooled by a reused process id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process in the operating system's own notation; empty where it is not readable. */
  readonly startedAt: string;
  /** Host and process-id namespace: elsewhere the id means nothing. */
  readonly machine: string;
}

/** `elsewhere`: the process belongs to another host or container, where we cannot look. */
export type ProcessState = "alive" | "gone" | "elsewhere";

const machine: string = [hostname(), ...processNamespace()].join(", ");

/** Identifies a process on this machine, by default the current one. */
export function identifyProcess(pid: number = process.pid): ProcessIdentity {
  return { pid, startedAt: startOf(pid) ?? "", machine };
}

/** Tells whether the very process that was identified is still running. */
export function processState(identity: ProcessIdentity): ProcessState {
  if (identity.machine !== machine) return "elsewhere";
  if (!exists(identity.pid)) return "gone";
  const startedAt = startOf(identity.pid);
  if (startedAt === undefined) return "gone";
  const comparable = startedAt !== "" && identity.startedAt !== "";
  return comparable && startedAt !== identity.startedAt ? "gone" : "alive";
}

/** Reads an identity back from JSON; anything else is `undefined`. */
export function toProcessIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("pid" in value && "startedAt" in value && "machine" in value)) return undefined;
  const { pid, startedAt, machine: where } = value;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (typeof startedAt !== "string" || typeof where !== "string") return undefined;
  return { pid, startedAt, machine: where };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/** `undefined`: gone, or dead and not yet reaped. Empty: it cannot be read on this system. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The command name, in brackets, may hold spaces and brackets of its own.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
      return fields[0] === "Z" || fields[0] === "X" ? undefined : `${boot}/${fields[19] ?? ""}`;
    } catch {
      return "";
    }
  }
  if (process.platform === "win32") return "";
  const ps = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const [state, ...start] = (ps.stdout ?? "").trim().split(/\s+/u);
  return state?.startsWith("Z") ? undefined : start.join(" ");
}

function processNamespace(): string[] {
  try {
    return [readlinkSync("/proc/self/ns/pid")];
  } catch {
    return [];
  }
}
