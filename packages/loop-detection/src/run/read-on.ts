import { redactText } from "@evenkeel/core";

import type { LoopFinding } from "../detectors/finding.ts";
import { observeTurn } from "../detectors/loop-state.ts";
import type { Resend } from "../detectors/resend.ts";
import { type LadderDecision, decide } from "../ladder/ladder.ts";
import type { LoopContext } from "../options.ts";
import { type TurnDigest, digestTurn } from "../turns/turn-digest.ts";
import {
  type Conversation,
  type EarlierAnswer,
  type OpenConversation,
  withSeen,
} from "./conversation.ts";
import { detectorOptionsOf, digestOptionsFor, markUnknown } from "./reading.ts";

/** What the newest of the turns read now showed. */
export interface NewestTurn {
  findings: readonly LoopFinding[];
  resends: readonly Resend[];
  /** Index of its first call among all calls read. */
  firstCall: number;
  /** That call's id; undefined of a turn without calls. */
  callId: string | undefined;
}

const mostBlocked = 12;
const earlierLimit = 1_000;

/** Reads a conversation on by the turns it has not read, and says where on the ladder that leaves it. */
export function readOn(
  { known, unread, stands }: OpenConversation,
  tools: readonly unknown[],
  context: LoopContext,
): { conversation: Conversation; newest: NewestTurn | undefined } {
  const detectors = detectorOptionsOf(context);
  const reading = digestOptionsFor(tools, context);
  let conversation: Conversation = stands
    ? known
    : { ...known, action: "none", finding: null, blocked: {} };
  let newest: NewestTurn | undefined;
  for (const found of unread) {
    const turn = found.read();
    const digest = digestTurn(markUnknown(turn, tools), reading);
    const { state, findings, resends } = observeTurn(conversation.loop, digest, detectors);
    const decision = decide(findings, context.options);
    newest = { findings, resends, firstCall: conversation.calls, callId: turn.calls[0]?.id };
    conversation = {
      ...conversation,
      calls: conversation.calls + turn.calls.length,
      loop: state,
      action: decision.action,
      finding: decision.finding === undefined ? null : withoutSecrets(decision.finding),
      blocked: blockedCalls(conversation.blocked, decision, digest),
      pending: {},
    };
  }
  return { conversation: { ...conversation, seen: withSeen(known.seen, unread) }, newest };
}

/** What is kept and told quotes arguments and answers, and neither may hand a key on. */
function withoutSecrets({ evidence, ...finding }: LoopFinding): LoopFinding {
  const { arguments: sent, answer } = evidence;
  return { ...finding, evidence: { arguments: redactText(sent), answer: redactText(answer) } };
}

/**
 * Calls that are answered from now on. Those of earlier turns stay while the run goes on looping,
 * since a cycle comes back to a call only after its other ones.
 */
function blockedCalls(
  before: Conversation["blocked"],
  { action, blocked }: LadderDecision,
  digest: TurnDigest,
): Conversation["blocked"] {
  if (action !== "block" && action !== "stop") return {};
  const answers = new Map<string, EarlierAnswer>(Object.entries(before));
  for (const call of digest.calls) {
    const { loose } = call.fingerprint;
    if (!blocked.includes(loose) || call.blocked || call.answer === undefined) continue;
    answers.delete(loose);
    answers.set(loose, {
      callId: call.id ?? null,
      answer: call.answer,
      failed: call.failed,
      text: redactText(call.answerText.slice(0, earlierLimit)),
    });
  }
  return Object.fromEntries([...answers].slice(-mostBlocked));
}
