import { spawn } from "node:child_process";
import { once } from "node:events";

import { describe, expect, test } from "vitest";

import {
  identifyProcess,
  processState,
  toProcessIdentity,
} from "../src/postgres/process-identity.ts";

describe("the identity of a process", () => {
  test("is alive while it runs and gone when it has ended", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const identity = identifyProcess(child.pid);
    expect(processState(identity)).toBe("alive");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(processState(identity)).toBe("gone");
  });

  test("is not that of another process with the same id", () => {
    const earlier = { ...identifyProcess(), startedAt: "another start" };
    expect(processState(earlier)).toBe("gone");
  });

  test("means nothing in another container", () => {
    const elsewhere = { ...identifyProcess(), machine: "another" };
    expect(processState(elsewhere)).toBe("elsewhere");
  });

  test("survives JSON, and nothing else passes for one", () => {
    const identity = identifyProcess();
    expect(toProcessIdentity(JSON.parse(JSON.stringify(identity)))).toEqual(identity);
    for (const other of [null, "x", {}, { ...identity, pid: -1 }, { ...identity, machine: 1 }]) {
      expect(toProcessIdentity(other)).toBeUndefined();
    }
  });
});
