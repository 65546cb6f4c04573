import type { Failure, FailureClass, HookContext, MiddlewareMode, Restart } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";

import type { FailureReport } from "./context/report.ts";

/** What a run gave, for whoever judges it. */
export interface FinalAnswer {
  /** The graph's output. */
  readonly output: unknown;
  /** The text of the last message, empty where there is none. */
  readonly text: string;
  readonly messages: readonly BaseMessage[];
}

/** What `verify` may say: true or false, the reason of a rejection, or both in one. */
export type Verdict = boolean | string | { readonly pass: boolean; readonly reason?: string };

/** Judges a final answer; a Standard Schema judges `structuredResponse`, or the text as JSON, or the text. */
export type Verify =
  | ((answer: FinalAnswer) => Verdict | Promise<Verdict>)
  | { readonly "~standard": StandardProps };

/** The part of a Standard Schema that is used. */
export interface StandardProps {
  validate(value: unknown): StandardResult | Promise<StandardResult>;
}

/** What a Standard Schema says. */
interface StandardResult {
  readonly issues?: readonly { readonly message: string }[] | undefined;
}

/** Decides whether a failure deserves another attempt. */
type RetryDecision = (failure: Failure, error: unknown) => boolean;

/** What happens once there will be no further attempt. */
type ExitBehavior = "error" | "end" | "final-answer" | "interrupt";

/** How much of a failure the next attempt is told. */
interface ContextOptions {
  /** Characters kept of the arguments, and of the result, of one call. @default 500 */
  maxResultChars?: number;
  /** Tokens of the whole, counted so that no known tokenizer needs more. @default 2000 */
  maxTokens?: number;
}

/** Options of {@link failureRetryMiddleware}. */
export interface FailureRetryMiddlewareOptions {
  /** Attempts at an execution, the first included. @default 3 */
  maxAttempts?: number;
  /** Failures that deserve another attempt: classes, or a decision. @default what the taxonomy calls recoverable */
  retryOn?: readonly FailureClass[] | RetryDecision;
  /** Where the next attempt begins. @default "start"; "last-decision" once an effect without a business key stands */
  restart?: Restart;
  /** Judges the final answer; one that is rejected is a failed attempt. @default none */
  verify?: Verify;
  /** Keeps the chunks of the final answer back until it passed `verify`. @default false */
  holdFinal?: boolean;
  /** What the next attempt is told; false tells nothing. @default { maxResultChars: 500, maxTokens: 2000 } */
  context?: ContextOptions | false;
  /** Writes that text itself. @default the built-in one */
  render?: (report: FailureReport) => string | Promise<string>;
  /** Milliseconds `verify` and `render` may take. @default 30000 */
  hookTimeoutMs?: number;
  /** Milliseconds before the second try. @default 500, as LangGraph's RetryPolicy */
  initialInterval?: number;
  /** How much longer each further pause is. @default 2, as LangGraph's RetryPolicy */
  backoffFactor?: number;
  /** The longest pause in milliseconds, whatever a server asks for. @default 128000, as LangGraph's RetryPolicy */
  maxInterval?: number;
  /** Shortens each pause by up to half, at random. @default true */
  jitter?: boolean;
  /** Tries of one call of a model or tool on passing trouble, the first included. @default 3 */
  maxCallTries?: number;
  /** Tools whose call may be made again even where the first may have taken effect. @default none */
  repeatableTools?: readonly string[];
  /** Tools whose successful calls have effects outside, and no business key. @default what answers say themselves */
  effectTools?: readonly string[];
  /** Resumes of one attempt at one checkpoint that may end with their process. @default 3 */
  maxResumes?: number;
  /** Repairs of bad arguments and unknown tools inside one attempt. @default 3 */
  maxRepairs?: number;
  /** What happens once there will be no further attempt. @default "error" */
  exitBehavior?: ExitBehavior;
  /** The channel of the message list. @default "messages" */
  messagesKey?: string;
  /** A number from 0 to 1, for the jitter. @default Math.random */
  random?: () => number;
  /** @default "enforce" */
  mode?: MiddlewareMode;
  /** @default "failureRetryMiddleware" */
  name?: string;
}

/** The options that shape behaviour and are frozen with the execution. */
export interface RetryOptions {
  readonly maxAttempts: number;
  readonly retryOn: readonly FailureClass[] | "recoverable" | "decision";
  readonly restart: Restart | "auto";
  readonly holdFinal: boolean;
  readonly context: Required<ContextOptions> | false;
  readonly hookTimeoutMs: number;
  readonly initialInterval: number;
  readonly backoffFactor: number;
  readonly maxInterval: number;
  readonly jitter: boolean;
  readonly maxCallTries: number;
  readonly repeatableTools: readonly string[];
  readonly effectTools: readonly string[];
  readonly maxResumes: number;
  readonly maxRepairs: number;
  readonly exitBehavior: ExitBehavior;
  readonly messagesKey: string;
}

/** What comes from the live process. */
export interface RetryLive {
  readonly name: string;
  readonly decide?: RetryDecision;
  readonly verify?: Verify;
  readonly render?: (report: FailureReport) => string | Promise<string>;
  readonly random: () => number;
}

/** What the hooks of this package get as their context. */
export type RetryContext = HookContext<RetryOptions, RetryLive>;

/** The private channel of this middleware. */
export const CHANNEL = "_failureRetry";
