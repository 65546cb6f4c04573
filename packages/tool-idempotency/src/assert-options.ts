import { optionInput } from "@evenkeel/core";
import type { EffectLedger } from "@evenkeel/core";

import { IdempotencyError } from "./errors.ts";
import type { ToolEffectOptions } from "./options.ts";
import type { DeclaredEffect } from "./protocol.ts";

type Checks = Readonly<Record<string, optionInput.OptionCheck>>;

const EFFECTS: readonly DeclaredEffect[] = ["pure", "idempotent", "keyed", "transactional", "once"];
const oneOf = (...allowed: readonly string[]): optionInput.OptionCheck => [
  allowed.map((one) => JSON.stringify(one)).join(", "),
  (value) => typeof value === "string" && allowed.includes(value),
];
const text: optionInput.OptionCheck = [
  "a non-empty string",
  (value) => typeof value === "string" && value !== "",
];
const aFunction: optionInput.OptionCheck = ["a function", isFunction];
const leaseMs: optionInput.OptionCheck = [
  "milliseconds from 100 to 3600000",
  (value) => typeof value === "number" && value >= 100 && value <= 3_600_000,
];
const store: optionInput.OptionCheck = [
  "an EffectLedger and ExecutionLease, such as evenkeelPostgres(pool)",
  (value) => hasMethods(value, ["claimEffect", "settleEffect", "acquireLease"]),
];

const TOOL: Checks = {
  effect: oneOf(...EFFECTS),
  key: aFunction,
  within: oneOf("scope", "execution"),
  reconcile: aFunction,
  revert: aFunction,
};
const SHARED: Checks = {
  store,
  onInFlight: oneOf("wait", "refuse"),
  onUnknown: oneOf("interrupt", "message"),
  onReplan: oneOf("interrupt", "reuse", "run"),
  leaseMs,
  messagesKey: text,
};
const MIDDLEWARE: Checks = {
  ...SHARED,
  tools: ["an object of effects, or of { effect, key?, … }, by tool name", optionInput.isRecord],
  default: oneOf(...EFFECTS),
  fork: oneOf("same", "new"),
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
};
const ONE_TOOL: Checks = { ...SHARED, ...TOOL };
const REVERT: Checks = {
  store: [
    store[0],
    (value) => store[1](value) && hasMethods(value, ["listEffects", "renewLease", "releaseLease"]),
  ],
  scope: ["a string", (value) => typeof value === "string"],
  executionId: text,
  threadId: text,
  tools: [
    "an object of { revert? } by tool name, such as the middleware has",
    optionInput.isRecord,
  ],
  actor: text,
  reason: text,
  leaseMs,
};

/** Checks the middleware's options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  const where = "toolIdempotencyMiddleware";
  const given = assertTable(where, options, MIDDLEWARE, ["store"]);
  const { tools, store: ledger } = given;
  assertTransactions(where, "default", { effect: given["default"] as DeclaredEffect }, ledger);
  if (!optionInput.isRecord(tools)) return;
  for (const [tool, one] of Object.entries(tools)) {
    assertTool(where, tool, one, ledger as EffectLedger);
  }
}

/** Checks the options of a single tool's protection. */
export function assertToolOptions(tool: string, options: unknown): void {
  const where = `idempotentTool(${tool})`;
  const given = assertTable(where, options, ONE_TOOL, ["store", "effect"]);
  assertTransactions(where, "effect", given as unknown as ToolEffectOptions, given["store"]);
}

/** Checks what `revertExecution()` is told. */
export function assertRevertOptions(options: unknown): void {
  assertTable("revertExecution", options, REVERT, [
    "store",
    "executionId",
    "threadId",
    "tools",
    "actor",
    "reason",
  ]);
}

function assertTool(where: string, tool: string, options: unknown, ledger: EffectLedger): void {
  const place = `tools.${tool}`;
  const refuse = refuseFor(where);
  if (typeof options === "string") {
    const [allowed, holds] = oneOf(...EFFECTS);
    if (!holds(options)) refuse(`${place}.effect`, options, allowed);
    return assertTransactions(where, place, { effect: options as DeclaredEffect }, ledger);
  }
  if (!optionInput.isRecord(options)) refuse(place, options, "an effect, or { effect, key?, … }");
  const given = assertTable(where, options, TOOL, ["effect"], `${place}.`);
  assertTransactions(where, place, given as unknown as ToolEffectOptions, ledger);
}

function assertTable(
  where: string,
  options: unknown,
  checks: Checks,
  needed: readonly string[],
  prefix = "",
): Readonly<Record<string, unknown>> {
  const refuse = refuseFor(where);
  optionInput.assertOptionTable(options, checks, (option, came, allowed) =>
    refuse(`${prefix}${option}`, came, allowed),
  );
  const given = options as Readonly<Record<string, unknown>>;
  for (const option of needed) {
    const [allowed] = checks[option] ?? ["given"];
    if (given[option] === undefined) refuse(`${prefix}${option}`, undefined, allowed);
  }
  return given;
}

function assertTransactions(
  middleware: string,
  place: string,
  { effect }: ToolEffectOptions,
  ledger: unknown,
): void {
  if (effect !== "transactional" || hasMethods(ledger, ["settleInTransaction"])) return;
  throw new IdempotencyError({
    code: "transaction-unsupported",
    middleware,
    message: `${middleware}: "${place}" is transactional and the store has no transactions. evenkeelPostgres(pool) has; otherwise declare it "keyed" or "once".`,
    details: { option: place },
  });
}

function refuseFor(middleware: string): optionInput.Refuse {
  return (option, came, allowed) => {
    throw new IdempotencyError(optionInput.refusal(middleware, option, came, allowed));
  };
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return optionInput.isRecord(value) && names.every((name) => isFunction(value[name]));
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
