import type { FailureTraits, Verdict } from "./failure.ts";

const QUOTA: Partial<FailureTraits> = {
  severity: "high",
  recoverable: false,
  remedy: "Top up the account or raise its quota: until then every try fails.",
};
const CONTEXT: Partial<FailureTraits> = {
  remedy: "Shorten what is sent to the model: offload large results or summarise the history.",
};
const OUTPUT: Partial<FailureTraits> = {
  remedy: "Ask for a shorter answer, or raise the limit on output tokens.",
};
/** A graph or a middleware is put together wrongly: only its author can change that. */
const AUTHOR: Partial<FailureTraits> = {
  severity: "high",
  recoverable: false,
  remedy: "Correct the code or the options the message names.",
};
const IN_DOUBT: Partial<FailureTraits> = {
  severity: "high",
  recoverable: false,
  remedy: "Find out whether the effect happened before anything is tried again.",
};

type Row = readonly [
  verdict: Pick<Verdict, "failureClass" | "rule"> & Partial<FailureTraits>,
  names: string,
];

/** Names and codes that say by themselves what happened: of Node, LangGraph, LangChain, providers, and ours. */
const ROWS: readonly Row[] = [
  [
    { failureClass: "planning", rule: "recursion-limit" },
    "GraphRecursionError GRAPH_RECURSION_LIMIT",
  ],
  [{ failureClass: "planning", rule: "loop" }, "loop-detected"],
  [{ failureClass: "retry-budget-overflow", rule: "budget" }, "budget-exhausted"],
  [
    { failureClass: "retry-budget-overflow", rule: "model-call-limit" },
    "ModelCallLimitMiddlewareError",
  ],
  [{ failureClass: "tool-exhaustion", rule: "tool-call-limit" }, "ToolCallLimitExceededError"],
  [{ failureClass: "tool-exhaustion", rule: "breaker-open" }, "breaker-open breaker-opened"],
  [{ failureClass: "model-hallucination", rule: "unknown-tool" }, "unknown-tool"],
  [{ failureClass: "policy", rule: "revoked" }, "revoked"],
  [
    { failureClass: "policy", rule: "content-policy" },
    "content_filter content_policy_violation ContentFilterFinishReasonError",
  ],
  [{ failureClass: "policy", rule: "pii" }, "PIIDetectionError"],
  [{ failureClass: "policy", rule: "permission" }, "EACCES EPERM permission_error"],
  [
    { failureClass: "environment-drift", rule: "drift" },
    "tool-changed tool-vanished node-missing config-drifted model-not-rebuildable",
  ],
  [
    { failureClass: "environment-drift", rule: "schema" },
    "schema-not-set-up schema-version-unsupported state-version-unsupported fork-point-missing",
  ],
  [
    { failureClass: "environment-drift", rule: "model-not-found" },
    "MODEL_NOT_FOUND model_not_found",
  ],
  [
    { failureClass: "environment-drift", rule: "credentials" },
    "MODEL_AUTHENTICATION invalid_api_key authentication_error",
  ],
  [
    { failureClass: "contract-violation", rule: "tool-arguments" },
    "ToolInputParsingException invalid-arguments",
  ],
  [
    { failureClass: "contract-violation", rule: "schema-mismatch" },
    "ZodError $ZodError OutputParserException OUTPUT_PARSING_FAILURE StructuredOutputParsingError MultipleStructuredOutputsError",
  ],
  [{ failureClass: "contract-violation", rule: "message-history" }, "INVALID_TOOL_RESULTS"],
  [
    { failureClass: "contract-violation", rule: "context-overflow", ...CONTEXT },
    "ContextOverflowError context_length_exceeded request_too_large",
  ],
  [
    { failureClass: "contract-violation", rule: "output-truncated", ...OUTPUT },
    "LengthFinishReasonError",
  ],
  [
    { failureClass: "contract-violation", rule: "graph-contract", ...AUTHOR },
    "InvalidUpdateError GraphValueError EmptyInputError EmptyChannelError StateGraphInputError UnreachableNodeError MultipleToolsBoundError MISSING_CHECKPOINTER",
  ],
  [
    { failureClass: "contract-violation", rule: "middleware-contract", ...AUTHOR },
    "invalid-options invalid-graph invalid-middleware duplicate-middleware unsupported-hook root-state-unsupported checkpointer-required store-required messages-required run-seam-required call-not-wrapped handler-called-twice handler-not-awaited state-not-declared not-canonical-json attempt-unavailable",
  ],
  [
    { failureClass: "infrastructure", rule: "quota", ...QUOTA },
    "insufficient_quota InsufficientQuotaError RateLimitQuotaExhaustedError billing_error",
  ],
  [
    { failureClass: "infrastructure", rule: "rate-limit" },
    "MODEL_RATE_LIMIT rate_limit_exceeded rate_limit_error RateLimitCapacityError",
  ],
  [
    { failureClass: "infrastructure", rule: "overloaded" },
    "overloaded_error api_error server_error",
  ],
  [
    { failureClass: "infrastructure", rule: "timeout" },
    "TimeoutError APIConnectionTimeoutError timeout_error ETIMEDOUT ESOCKETTIMEDOUT ECONNABORTED UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT",
  ],
  [{ failureClass: "infrastructure", rule: "node-timeout" }, "NodeTimeoutError"],
  [
    { failureClass: "infrastructure", rule: "connection" },
    "ECONNRESET ECONNREFUSED EPIPE ENOTFOUND EAI_AGAIN EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN UND_ERR_SOCKET UND_ERR_CLOSED APIConnectionError",
  ],
  [{ failureClass: "infrastructure", rule: "machine" }, "EMFILE ENFILE ENOSPC ENOMEM ENOBUFS"],
  [{ failureClass: "infrastructure", rule: "store" }, "store-unavailable"],
  [{ failureClass: "infrastructure", rule: "busy" }, "execution-busy effect-in-flight"],
  [{ failureClass: "infrastructure", rule: "effect-in-doubt", ...IN_DOUBT }, "effect-unknown"],
];

const BY_NAME: ReadonlyMap<string, Verdict> = new Map(
  ROWS.flatMap(([verdict, names]) => names.split(" ").map((name) => [name, verdict] as const)),
);

/** What a name or code of an error says by itself, where it is a known one. */
export function verdictByName(name: unknown): Verdict | undefined {
  return typeof name === "string" ? BY_NAME.get(name) : undefined;
}

/**
 * What an HTTP status says by itself. 401 is drift: credentials the run relies on are not, or no
 * longer, accepted. 403 is policy: they are accepted and the act is not allowed. 404 and 409 say
 * too little (a wrong id, a vanished service, a lost race), so they stay unknown.
 */
export function verdictByStatus(status: number): Verdict | undefined {
  const rule = `http-${status}`;
  if (status === 402) return { failureClass: "infrastructure", rule, ...QUOTA };
  if (status === 401 || status === 407 || status === 410) {
    return { failureClass: "environment-drift", rule };
  }
  if (status === 403 || status === 451) return { failureClass: "policy", rule };
  if ([400, 405, 406, 411, 413, 414, 415, 422].includes(status)) {
    return { failureClass: "contract-violation", rule };
  }
  const passing = [408, 425, 429].includes(status) || (status >= 500 && status <= 599);
  return passing ? { failureClass: "infrastructure", rule } : undefined;
}

/** What an SQLSTATE of Postgres says by itself; a wrong query stays unknown, since whose it is is not. */
export function verdictBySqlState(state: string): Verdict | undefined {
  const rule = `sql-${state}`;
  if (state === "42501") return { failureClass: "policy", rule };
  return /^(?:08|53|57P|58|40)/.test(state) ? { failureClass: "infrastructure", rule } : undefined;
}
