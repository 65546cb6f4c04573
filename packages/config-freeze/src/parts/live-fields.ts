/**
 * Fields of models and call options that never enter a manifest: how a model is reached and watched,
 * and whom it answers, belongs to the process that runs, not to the execution.
 */
export const LIVE_FIELDS: ReadonlySet<string> = new Set([
  "apiKey",
  "baseURL",
  "baseUrl",
  "cache",
  "callbacks",
  "client",
  "clientOptions",
  "configuration",
  "createClient",
  "dangerouslyAllowBrowser",
  "defaultHeaders",
  "endpoint",
  "headers",
  "httpAgent",
  "maxConcurrency",
  "maxRetries",
  "metadata",
  "onFailedAttempt",
  "options",
  "organization",
  "project",
  "promptCacheKey",
  "prompt_cache_key",
  "region",
  "safetyIdentifier",
  "safety_identifier",
  "signal",
  "tags",
  "timeout",
  "user",
  "verbose",
]);

/** What `invocationParams()` says of a single call, or repeats of the live process. */
export const PER_CALL: ReadonlySet<string> = new Set([
  ...LIVE_FIELDS,
  "function_call",
  "functions",
  "stream",
  "stream_options",
  "tool_choice",
  "tools",
]);
