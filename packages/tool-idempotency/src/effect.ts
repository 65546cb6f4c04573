import type { ClaimRequest, ToolCallRequest, ToolResult } from "@evenkeel/core";

import type { EffectIdentity } from "./effect-identity.ts";
import type { IdempotencyContext } from "./options.ts";
import type { Turn } from "./question-gate.ts";

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
