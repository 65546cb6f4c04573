import { optionInput } from "@evenkeel/core";

import { ConfigFreezeError } from "./errors.ts";
import { isDriftAnswer } from "./options.ts";
import { isRecord } from "./plain-json.ts";
import { faultOf } from "./revoke.ts";

const NAMES = "a list of key names";

const CHECKS: Readonly<Record<string, optionInput.OptionCheck>> = {
  config: ["a function or a Standard Schema", (value) => isFunction(value) || isSchema(value)],
  include: [`{ context?, configurable? }, each ${NAMES}`, isInclude],
  onDrift: [
    '"use-frozen", "warn", "error" or a function',
    (value) => isFunction(value) || isDriftAnswer(value),
  ],
  resolveModel: ["a function", isFunction],
  tools: ["an object of tools, or of functions that give one, by name", isTools],
  revoke: [
    "{ tools?, models?, configHashes? }, each a list of names, or a function that gives it",
    (value) => isFunction(value) || faultOf(value) === undefined,
  ],
  pinModelAlias: ["true or false", (value) => typeof value === "boolean"],
  durability: ['"sync" or "inherit"', (value) => value === "sync" || value === "inherit"],
  store: ["a ManifestStore, such as evenkeelPostgres(pool)", isStore],
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
};

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  optionInput.assertOptionTable(options, CHECKS, refuse);
}

/** LangGraph's own keys: they say which thread and task a run is, and who asks. */
const RESERVED = /^(?:thread_id|checkpoint_|__pregel_|langgraph_auth_|run_id$|task_id$)/;

function isInclude(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(([key, names]) => {
    if (key !== "context" && key !== "configurable") return false;
    if (names === undefined) return true;
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) return false;
    return key === "context" || !names.some((name) => RESERVED.test(name));
  });
}

function isTools(value: unknown): boolean {
  return (
    isRecord(value) && Object.values(value).every((tool) => isFunction(tool) || isInvokable(tool))
  );
}

function isInvokable(tool: unknown): boolean {
  return isRecord(tool) && isFunction(tool["invoke"]);
}

function isStore(value: unknown): boolean {
  return isRecord(value) && isFunction(value["putManifest"]) && isFunction(value["getManifest"]);
}

function isSchema(value: unknown): boolean {
  const schema = (value as { "~standard"?: { validate?: unknown } } | null)?.["~standard"];
  return isFunction(schema?.validate);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new ConfigFreezeError(optionInput.refusal("configFreezeMiddleware", option, came, allowed));
}
