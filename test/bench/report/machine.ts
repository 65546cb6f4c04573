import { cpus, totalmem } from "node:os";

import { benchEnvironment } from "../overhead/environment.ts";

/** What figures were taken on; nothing that names the machine. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
}

/** Describes this machine and the versions of the libraries. */
export function thisMachine(): Machine {
  const { packages, node } = benchEnvironment("");
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node,
    packages,
  };
}
