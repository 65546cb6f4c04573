type Options = Record<string, unknown>;

/** Options of a call as the config it runs under and the settings of the model, apart. */
export function separate(options: Readonly<Options>): [Options, Options] {
  const config: Options = {};
  const settings: Options = {};
  for (const key of Object.keys(options)) {
    if (RUNNABLE_CONFIG.has(key) || GRAPH_CONFIG.has(key)) config[key] = options[key];
    else settings[key] = options[key];
  }
  return [config, settings];
}

/** What LangChain takes for config, not for options of a call. */
const RUNNABLE_CONFIG: ReadonlySet<string> = new Set([
  "callbacks",
  "configurable",
  "maxConcurrency",
  "metadata",
  "recursionLimit",
  "runId",
  "runName",
  "signal",
  "tags",
  "timeout",
]);

// A node that hands its config to the model hands over these as well: nothing of a call's settings.
const GRAPH_CONFIG: ReadonlySet<string> = new Set([
  "checkpointDuring",
  "context",
  "control",
  "durability",
  "executionInfo",
  "heartbeat",
  "interrupt",
  "interruptAfter",
  "interruptBefore",
  "outputKeys",
  "serverInfo",
  "store",
  "streamMode",
  "toolCall",
  "toolCallId",
  "writer",
]);
