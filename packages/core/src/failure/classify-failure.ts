import { EvenkeelError } from "../errors.ts";
import { redactText } from "../redact/secret-text.ts";
import { causeChain, classNameOf, isFailure, read } from "./chain.ts";
import { verdictByName, verdictBySqlState, verdictByStatus } from "./codes.ts";
import { NO_FAILURE, decideText, declaredVerdict, unknownOf } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { FAILURE_CLASSES } from "./failure.ts";
import type { Failure, Verdict } from "./failure.ts";
import { decideMessage, messageKind } from "./messages.ts";
import { verdictByRefusal, verdictByText } from "./texts.ts";

const MESSAGE_CHARACTERS = 1_000;
const MAX_NESTING = 8;

/**
 * Says what kind of failure something is: a thrown error, a tool's or model's message, or a run or
 * task that ended in an error. Rules decide, first by names, codes and status over the whole chain
 * of causes, then by known words; what no rule knows is `unknown`, with rule `none`. Interrupts,
 * aborts and messages that report no failure come back as rule `not-a-failure`.
 */
export function classifyFailure(failed: unknown): Failure {
  const { verdict, text } = decideSafely(failed);
  return {
    ...FAILURE_CLASSES[verdict.failureClass],
    ...verdict,
    message: redactText(text.slice(0, MESSAGE_CHARACTERS * 4)).slice(0, MESSAGE_CHARACTERS),
  };
}

function decideSafely(failed: unknown): Decision {
  try {
    return decide(failed, 0);
  } catch {
    // A proxy of someone else threw while it was looked at; the failure itself must not get lost.
    return unknownOf("");
  }
}

function decide(failed: unknown, nesting: number): Decision {
  if (typeof failed === "string") return decideText(failed);
  const kind = messageKind(failed);
  if (kind !== undefined) return decideMessage(failed, kind);
  const within = insideRun(failed);
  if (within !== undefined) return decideSeveral(within, nesting);
  if (!isFailure(failed)) return { verdict: NO_FAILURE, text: textOf(failed) };
  return decideError(failed, nesting);
}

function decideError(error: unknown, nesting: number): Decision {
  const chain = causeChain(error);
  for (const link of chain) {
    const verdict = verdictByFacts(link);
    if (verdict !== undefined) return { verdict, text: textOf(link) };
  }
  for (const link of chain) {
    const members = read(link, "errors");
    if (!Array.isArray(members) || members.length === 0 || nesting >= MAX_NESTING) continue;
    const decision = decideSeveral(members, nesting);
    if (decision.verdict.failureClass !== "unknown") return decision;
  }
  for (const link of chain) {
    const verdict = verdictByText(textOf(link));
    if (verdict !== undefined) return { verdict, text: textOf(link) };
  }
  return unknownOf(textOf(error));
}

/** Several failures are of one class where all that are known agree; else nobody can tell. */
function decideSeveral(members: readonly unknown[], nesting: number): Decision {
  const decisions = members.slice(0, 100).map((member) => decide(member, nesting + 1));
  const failures = decisions.filter(({ verdict }) => verdict.rule !== NO_FAILURE.rule);
  const known = failures.filter(({ verdict }) => verdict.failureClass !== "unknown");
  const [first] = known;
  const agree = known.every(({ verdict }) => verdict.failureClass === first?.verdict.failureClass);
  if (first !== undefined && agree) return first;
  return failures[0] === undefined
    ? { verdict: NO_FAILURE, text: "" }
    : unknownOf(failures.map(({ text }) => text).join("; "));
}

function verdictByFacts(error: unknown): Verdict | undefined {
  if (EvenkeelError.isInstance(error))
    return declaredVerdict(error.details) ?? verdictByName(error.code);
  const body = read(error, "error");
  const status = statusOf(error);
  return (
    firstByName([read(error, "code"), read(body, "code")]) ??
    // A status comes with a body that may say more: a spent quota is a 429 that no pause cures.
    (status === undefined ? undefined : verdictByRefusal(textOf(error))) ??
    firstByName([
      read(error, "type"),
      read(body, "type"),
      read(read(body, "error"), "type"),
      read(error, "name"),
      classNameOf(error),
      read(error, "lc_error_code"),
    ]) ??
    bySqlState(error) ??
    (status === undefined ? undefined : verdictByStatus(status))
  );
}

function firstByName(names: readonly unknown[]): Verdict | undefined {
  return names.map(verdictByName).find((verdict) => verdict !== undefined);
}

/** A driver's error has a severity beside its five-character code; other libraries' codes do not. */
function bySqlState(error: unknown): Verdict | undefined {
  const code = read(error, "code");
  const isSqlState = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);
  return isSqlState && typeof read(error, "severity") === "string"
    ? verdictBySqlState(code)
    : undefined;
}

function statusOf(error: unknown): number | undefined {
  const candidates = [
    read(error, "status"),
    read(error, "statusCode"),
    read(read(error, "response"), "status"),
  ];
  return candidates.map(Number).find((status) => Number.isInteger(status) && status >= 400);
}

function textOf(failed: unknown): string {
  const message = typeof failed === "string" ? failed : read(failed, "message");
  return typeof message === "string" ? message : "";
}

/** The errors a run of LangSmith or a state of LangGraph reports; undefined for what is no such thing. */
function insideRun(value: unknown): unknown[] | undefined {
  if (value instanceof Error || classNameOf(value) === "NodeError") return undefined;
  const tasks = read(value, "tasks");
  if (Array.isArray(tasks)) return tasks.flatMap((task) => insideRun(task) ?? []);
  const isRun = read(value, "run_type") !== undefined || Array.isArray(read(value, "interrupts"));
  const error = read(value, "error");
  if (!isRun && (error === undefined || read(value, "message") !== undefined)) return undefined;
  return error === undefined || error === null ? [] : [error];
}
