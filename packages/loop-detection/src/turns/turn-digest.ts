import { errorClass } from "../answers/error-class.ts";
import { normalizeResult } from "../answers/normalize-result.ts";
import { saysNothing } from "../answers/says-nothing.ts";
import { saysWaiting } from "../answers/waiting.ts";
import { type CallFingerprint, type LoopKey, fingerprintCall } from "../fingerprint/call.ts";
import { shortHash } from "../fingerprint/short-hash.ts";
import { looksLikeChange } from "./changes.ts";

/** One tool call of a turn, as it stands in the messages. */
export interface ObservedCall {
  /** The call's id; it finds the earlier answer when a repeat is blocked. */
  id?: string | undefined;
  tool: string;
  arguments: unknown;
  /** The answer's text; absent while the call has none. */
  result?: string;
  /** The answer says the call failed. */
  failed?: boolean;
  /** The call was not executed but answered with its earlier result. @default false */
  blocked?: boolean;
  /** Of a blocked call: the hash its earlier answer has. */
  earlier?: string;
  /** False when the model named a tool that does not exist. @default true */
  known?: boolean;
}

/** One reply of the model with the answers its calls got. */
export interface ObservedTurn {
  /** Tells turns apart where an answer is declared progress. @default "" */
  key?: string;
  text: string;
  calls: readonly ObservedCall[];
}

/** A call reduced to what the detectors compare. */
export interface CallDigest {
  id: string | undefined;
  tool: string;
  fingerprint: CallFingerprint;
  /** Hash of the normalised answer, of the error's class where the call failed; undefined without an answer. */
  answer: string | undefined;
  failed: boolean;
  /** The error's class; undefined where the call did not fail. */
  errorClass: string | undefined;
  waiting: boolean;
  /** The answer holds nothing. */
  nothing: boolean;
  /** The call probably changed something in the world. */
  changes: boolean;
  known: boolean;
  blocked: boolean;
  /** The answer's text, for evidence only. */
  answerText: string;
}

/** A turn reduced to what the detectors compare. */
export interface TurnDigest {
  calls: readonly CallDigest[];
  /** Hash of the reply's text; absent where the reply called tools or said nothing. */
  text?: string;
  /** The reply's words, for evidence only. */
  said: string;
}

/** A call and its answer, as `isProgress` is asked about them. */
export interface AnsweredCall {
  readonly tool: string;
  readonly arguments: unknown;
  readonly result: string;
  readonly failed: boolean;
}

/** How a turn is read. */
export interface DigestOptions {
  /** A tool's own idea of which of its calls are the same. */
  loopKeyOf?: (tool: string) => LoopKey | undefined;
  /** Replaces the default masking of what varies idly in an answer. */
  normalizeResult?: (text: string, tool: string) => string;
  /** Tools whose repeated calls are polling, whatever they answer. */
  poll?: (tool: string, result: string) => boolean;
  /** True makes an answer unlike every other, false like any other the same call got. */
  isProgress?: (call: AnsweredCall) => boolean | undefined;
  /** Replaces the guess whether a call changes something. */
  changes?: (tool: string, callArguments: unknown) => boolean;
}

/** Failures longer than this are compared whole: two test reports can fail alike and still differ. */
const classLimit = 400;

/** Reads a turn once, so that every detector compares short hashes and none reads a long text again. */
export function digestTurn(turn: ObservedTurn, options: DigestOptions = {}): TurnDigest {
  const calls = turn.calls.map((call) => digestCall(call, turn.key ?? "", options));
  const said = turn.text.trim();
  return {
    calls,
    ...(calls.length === 0 && said !== "" ? { text: shortHash(normalizeResult(said)) } : {}),
    said,
  };
}

function digestCall(call: ObservedCall, turn: string, options: DigestOptions): CallDigest {
  const { failed = false, blocked = false } = call;
  const fingerprint = fingerprintCall(call, options.loopKeyOf?.(call.tool));
  const failure = failed && call.result !== undefined ? errorClass(call.result) : undefined;
  const answer = call.result === undefined ? undefined : answerKey(call, failure, turn, options);
  return {
    id: call.id === undefined || call.id.length > 128 ? undefined : call.id,
    tool: call.tool.slice(0, 128),
    fingerprint,
    answer,
    failed,
    errorClass: failure,
    waiting:
      call.result !== undefined &&
      !blocked &&
      (saysWaiting(call.result, failed) || (options.poll?.(call.tool, call.result) ?? false)),
    nothing: call.result !== undefined && !blocked && saysNothing(call.result),
    changes: !failed && (options.changes ?? looksLikeChange)(call.tool, call.arguments),
    known: call.known ?? true,
    blocked,
    answerText: call.result ?? "",
  };
}

function answerKey(
  { id = "", tool, arguments: callArguments, result = "", failed = false, earlier }: ObservedCall,
  failure: string | undefined,
  turn: string,
  { isProgress, normalizeResult: normalize = normalizeResult }: DigestOptions,
): string {
  if (earlier !== undefined) return earlier;
  const progress = isProgress?.({ tool, arguments: callArguments, result, failed });
  if (progress === true) return shortHash(`progress ${turn} ${id}`);
  if (progress === false) return "no-progress";
  const short = failure !== undefined && result.length <= classLimit;
  return shortHash(short ? `error ${failure}` : normalize(result, tool));
}
