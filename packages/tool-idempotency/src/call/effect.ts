import type { ClaimRequest, ToolCallRequest, ToolResult } from "@evenkeel/core";

import type { Turn } from "../doubt/question-gate.ts";
import type { EffectIdentity } from "../identity/effect-identity.ts";
import type { IdempotencyContext } from "../options.ts";

/** Makes the call itself. */
export type Handler = (request: ToolCallRequest) => Promise<ToolResult>;

/** One call of a tool that has an effect, with all that is known of it. */
export interface EffectCall {
  readonly request: ToolCallRequest;
  readonly handler: Handler;
  readonly context: IdempotencyContext;
  readonly identity: EffectIdentity;
  readonly claim: ClaimRequest;
  /** The task of LangGraph the call is made in; empty outside of one. */
  readonly task: string;
  readonly turn: Turn;
}
