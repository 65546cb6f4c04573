import type { Restart } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { within } from "../backoff.ts";
import { cutText } from "../context/cut-text.ts";
import { renderContext, withinTokens } from "../context/render-context.ts";
import type {
  CallRecord,
  FailedAttempt,
  FailureReport,
  HeldContext,
  StandingCall,
} from "../context/report.ts";
import { CHANNEL } from "../options.ts";
import type { RetryContext } from "../options.ts";
import type { AttemptFailure } from "./judge.ts";
import { historyIn } from "./run-memory.ts";

interface Failed {
  readonly failed: AttemptFailure;
  readonly calls: readonly CallRecord[];
  readonly standing: readonly StandingCall[];
  readonly restart: Restart;
  /** The attempt that failed. */
  readonly attempt: number;
  /** The next attempt is the one beyond the last. */
  readonly exits: boolean;
}

/** Keeps what failed for the attempts to come: the last one in full, rendered once, earlier ones as a line. */
export async function writeFailure(
  { failed, calls, standing, restart, attempt, exits }: Failed,
  context: RetryContext,
): Promise<void> {
  const { options, state } = context;
  const history = historyIn(context);
  const { failureClass, rule } = failed.failure;
  const exit =
    exits && (options.exitBehavior === "final-answer" || options.exitBehavior === "interrupt")
      ? options.exitBehavior
      : null;
  const line: FailedAttempt = {
    v: 1,
    attempt,
    failureClass,
    rule,
    message: cutText(failed.message.replaceAll(/\s+/g, " "), LINE_CHARS),
    calls: calls.length,
    tried: lastTried(calls),
  };
  const report: FailureReport = {
    attempt,
    maxAttempts: options.maxAttempts,
    failure: failed.failure,
    message: failed.message,
    calls,
    standing,
    restart,
    earlier: earlierLines(history, attempt),
    finalAnswer: exit === "final-answer",
    limits: options.context === false ? { maxResultChars: 0, maxTokens: 0 } : options.context,
  };
  const text = options.context === false ? "" : await rendered(report, context);
  const held: HeldContext = { v: 1, attempt: attempt + 1, text, exit };
  Object.assign(history, {
    [`attempt:${attempt}`]: line,
    ...(standing.length === 0 ? {} : { standing }),
  });
  state.write(CHANNEL, { ...history, context: held });
}

function earlierLines(entries: Readonly<Record<string, unknown>>, before: number): string[] {
  return Object.entries(entries)
    .filter(([key]) => key.startsWith("attempt:"))
    .map(([, entry]) => entry as FailedAttempt)
    .filter(({ attempt }) => attempt < before)
    .toSorted((one, other) => one.attempt - other.attempt)
    .map(
      ({ attempt, failureClass, message, calls, tried }) =>
        `attempt ${attempt}: ${failureClass}, ${calls} calls${tried === "" ? "" : `, last ${tried}`}: ${message}`,
    );
}

const LINE_CHARS = 160;

/** Without them the attempt after next would go back to what was tried first. */
function lastTried(calls: readonly CallRecord[]): string {
  const failed = calls.filter(({ status }) => status !== "success");
  const shown = (failed.length > 0 ? failed : calls).slice(-2);
  return cutText(shown.map(({ tool, args }) => `${tool} ${args}`).join(" and "), LINE_CHARS);
}

async function rendered(report: FailureReport, context: RetryContext): Promise<string> {
  const { live, options } = context;
  const { render } = live;
  if (render === undefined) return renderContext(report);
  try {
    const text: unknown = await within(
      options.hookTimeoutMs,
      () => render(report),
      () => new Error(`it took longer than ${options.hookTimeoutMs} ms`),
    );
    if (typeof text === "string") return withinTokens(text, report.limits.maxTokens);
    throw new Error(`it gave ${text === null ? "null" : typeof text}, a text is allowed`);
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    // The next attempt is not given up over the words it would have been told.
    const why = error instanceof Error ? error.message : String(error);
    context.emit("middleware-warning", {
      severity: "low",
      detail: { code: "render-failed", message: `\`render\` was not used: ${why}` },
    });
    return renderContext(report);
  }
}
