import { parseArgs } from "node:util";

import type { Severity } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { SEVERITIES } from "../review/routes.ts";

/** What one call of `evenkeel-flags` asks for. */
export type Command =
  | { name: "help" }
  | ({ name: "list"; json: boolean } & StoreAddress & ListQuery)
  | ({ name: "sweep"; olderThanMs: number; langsmith: boolean; json: boolean } & StoreAddress)
  | { name: "setup"; create: boolean; project: string | undefined };

/** Where the records are. */
export interface StoreAddress {
  url: string;
  schema: string | undefined;
}

/** Which flagged runs are wanted. */
export interface ListQuery {
  severity: Severity;
  reason: string | undefined;
  /** Milliseconds since the epoch. */
  since: number | undefined;
  limit: number;
}

/** What is printed for help. */
export const USAGE: string = `evenkeel-flags: runs marked for review

  evenkeel-flags list    prints flagged runs, newest first
    --severity NAME      from this severity on: ${SEVERITIES.join(", ")}
    --reason NAME        with this reason among others, such as last-call-failed
    --since TIME         that began since then: 24h, 7d, 2026-11-02, 2026-11-02T10:00:00Z
    --limit COUNT        at most so many (default 50)
    --json               as JSON

  evenkeel-flags sweep   flags executions that died or wait too long
    --older-than TIME    for at least so long: 30m, 2h (default 1h)
    --langsmith          has them reviewed in LangSmith, by LANGSMITH_API_KEY
    --json               as JSON

  evenkeel-flags setup   prints the filters, the queue and the feedback for review in LangSmith
    --create             creates what LangSmith's client can, by LANGSMITH_API_KEY
    --project NAME       the project the runs are traced to

  list and sweep read Postgres
    --url URL            (default DATABASE_URL)
    --schema NAME        (default evenkeel)
`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  url: { type: "string" },
  schema: { type: "string" },
  severity: { type: "string" },
  reason: { type: "string" },
  since: { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean" },
  "older-than": { type: "string" },
  langsmith: { type: "boolean" },
  create: { type: "boolean" },
  project: { type: "string" },
} as const;

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  list: ["url", "schema", "severity", "reason", "since", "limit", "json"],
  sweep: ["url", "schema", "older-than", "langsmith", "json"],
  setup: ["create", "project"],
};

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** Reads a command line; what is wrong with it is named, with what is allowed. */
export function readCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  now: number,
): Command {
  const { values, positionals } = parsed(args);
  const [name, ...others] = positionals;
  if (values.help === true || name === undefined || name === "help") return { name: "help" };
  const allowed = ALLOWED[name];
  if (allowed === undefined) refuse("a command", name, "list, sweep, setup");
  if (others[0] !== undefined) refuse(name, others[0], "options only");
  for (const option of Object.keys(values)) {
    if (!allowed.includes(option)) {
      refuse(name, `--${option}`, allowed.map((one) => `--${one}`).join(", "));
    }
  }
  const { json = false, create = false, langsmith = false, project } = values;
  if (name === "setup") return { name, create, project };
  const url = values.url ?? env["DATABASE_URL"];
  if (url === undefined || url === "") refuse("--url", "nothing", "a URL, or DATABASE_URL");
  const address = { url, schema: values.schema };
  if (name === "sweep") {
    const olderThanMs = duration(values["older-than"] ?? "1h");
    if (olderThanMs === undefined)
      refuse("--older-than", values["older-than"] ?? "", "30m, 2h, 1d");
    return { name, olderThanMs, langsmith, json, ...address };
  }
  return { name: "list", json, ...address, ...listQuery(values, now) };
}

function listQuery(values: ReturnType<typeof parsed>["values"], now: number): ListQuery {
  const { severity: named = "info", reason, since, limit = "50" } = values;
  const severity = SEVERITIES.find((one) => one === named);
  if (severity === undefined) refuse("--severity", named, SEVERITIES.join(", "));
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1) refuse("--limit", limit, "a whole number from 1");
  return {
    severity,
    reason,
    since: since === undefined ? undefined : moment(since, now),
    limit: most,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return refuse("an option", error instanceof Error ? error.message : "", "those of --help");
  }
}

function moment(text: string, now: number): number {
  const age = duration(text);
  if (age !== undefined) return now - age;
  const time = Date.parse(text);
  return Number.isNaN(time) ? refuse("--since", text, "24h, 7d, or a date in ISO 8601") : time;
}

function duration(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNITS[unit] ?? 0);
}

function refuse(option: string, came: string, allowed: string): never {
  throw new RunFlagsError({
    code: "invalid-options",
    message: `evenkeel-flags: ${option}: ${came} came; allowed is ${allowed}.`,
    details: { option },
  });
}
