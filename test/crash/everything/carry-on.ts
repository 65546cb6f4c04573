import { CrashError, crash, run } from "@evenkeel/testing";

import { CASE_HEADER, PROMPTS } from "./job.ts";
import type { EverythingJob, EverythingReport, Kind, Release, Scene } from "./job.ts";
import type { EverythingStage } from "./stage.ts";

/** One execution that is killed once, and carried to its end by another version of the code. */
export interface EverythingCase {
  readonly kind: Kind;
  readonly scene: Scene;
  readonly durability: "sync" | "async";
  /** Where it is killed; undefined: nowhere. */
  readonly at?: string | undefined;
  readonly hit?: number | undefined;
  /** The code it begins with. @default "monday" */
  readonly release?: Release;
}

/** What came of an execution, as its processes and the world around them tell it. */
export interface EverythingOutcome {
  readonly thread: string;
  readonly crashed: boolean;
  readonly last: EverythingReport;
  readonly reports: readonly EverythingReport[];
  /** The code that made its first request: what it was frozen with. */
  readonly release: Release;
  /** Bodies of the model's requests since that execution began, and how many were lost before. */
  readonly requests: readonly string[];
  readonly lostRequests: number;
  /** How often each thing was done, by what it was about. */
  readonly done: Readonly<Record<string, number>>;
}

/** The name of a case. */
export function titleOf({ kind, scene, durability, at, hit = 1 }: EverythingCase): string {
  const where = at === undefined ? "uncrashed" : `${at}${hit === 1 ? "" : `#${hit}`}`;
  return `${kind}, ${scene}, ${durability}, ${where}`;
}

const SCRIPT = new URL("./program.ts", import.meta.url);
const MOST_PROCESSES = 5;

/** Carries an execution to its end: one process after the other, the first that meets the point dies there. */
export async function carryOn(
  one: EverythingCase,
  { endpoint, payments, shared }: EverythingStage,
): Promise<EverythingOutcome> {
  const { kind, scene, durability, release: first = "monday" } = one;
  const thread = one.release === undefined ? titleOf(one) : `${titleOf(one)}, ${one.release}`;
  const sent = (): string[] =>
    endpoint.requests
      .filter(({ headers }) => headers[CASE_HEADER] === thread)
      .map(({ rawBody }) => rawBody);
  const reports: EverythingReport[] = [];
  let crashed = false;
  let lostRequests = 0;
  for (let process = 1; process <= MOST_PROCESSES; process += 1) {
    // Nobody deploys between a pause and its answer in the run that others are compared with.
    const release = crashed ? "tuesday" : first;
    const job: EverythingJob = { kind, scene, durability, thread, release, ...shared };
    const before = sent().length;
    const options = { script: SCRIPT, args: [JSON.stringify(job)], bundle: true };
    const report = await oneProcess(options, crashed ? undefined : one);
    if (report === undefined) {
      crashed = true;
      continue;
    }
    reports.push(report);
    if (report.anew) lostRequests = before;
    if (report.paused) continue;
    const requests = sent().slice(lostRequests);
    return {
      thread,
      crashed,
      last: report,
      reports,
      release: requests[0]?.includes(PROMPTS.monday) === true ? "monday" : "tuesday",
      requests,
      lostRequests,
      done: Object.fromEntries(await payments.done(thread)),
    };
  }
  throw new Error(`${thread}: not at its end after ${MOST_PROCESSES} processes`);
}

/** The report of a process that came to its end; undefined where it was killed. */
async function oneProcess(
  options: Parameters<typeof run>[0],
  { at, hit = 1 }: Partial<EverythingCase> = {},
): Promise<EverythingReport | undefined> {
  if (at === undefined) return (await run<EverythingReport>(options)).result;
  try {
    await crash({ ...options, at, hit });
    return undefined;
  } catch (error) {
    if (!CrashError.isInstance(error, "crash-point-not-reached")) throw error;
    const { reports } = error.details as { reports: { kind: string; json?: string }[] };
    const last = reports.findLast(({ kind }) => kind === "result")?.json;
    if (last === undefined) throw error;
    return JSON.parse(last) as EverythingReport;
  }
}
