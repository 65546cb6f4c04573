import type { RunRequest } from "@evenkeel/core";

import { ConfigFreezeError } from "../errors.ts";
import { unstorablePaths } from "../plain-json.ts";

/** What a `config` function is asked with, once per execution. */
export interface ConfigRequest {
  readonly context: unknown;
  readonly configurable: Readonly<Record<string, unknown>>;
  readonly threadId: string | null;
}

/** A schema of any library that follows Standard Schema. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    validate(value: unknown): SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: unknown }[] };

/** Where the user's configuration comes from: a function, or a schema over the run's context. */
export type ConfigSource<Config> =
  | StandardSchema<Config>
  | ((request: ConfigRequest) => Config | Promise<Config>);

/** Evaluates the user's configuration; null where there is none. */
export async function evaluateConfig(
  source: ConfigSource<unknown> | undefined,
  { config: { context, configurable = {} }, execution }: RunRequest,
): Promise<unknown> {
  if (source === undefined) return null;
  const value =
    typeof source === "function"
      ? await call(source, { context, configurable, threadId: execution.threadId })
      : await validate(source, context ?? configurable);
  assertStorable(value ?? null, "config");
  return value ?? null;
}

/** Refuses what a manifest must not hold, naming where it is. */
export function assertStorable(value: unknown, what: string): void {
  const [first, ...more] = unstorablePaths(value);
  if (first === undefined) return;
  const { path, why } = first;
  throw new ConfigFreezeError({
    code: "config-invalid",
    message: `\`${what}\` ${path === "" ? "" : `at "${path}" `}${why}. A manifest is stored as JSON: read secrets from the live process where they are used.`,
    details: { fields: [first, ...more].slice(0, 10).map((fault) => fault.path) },
  });
}

async function call(
  source: (request: ConfigRequest) => unknown,
  request: ConfigRequest,
): Promise<unknown> {
  try {
    return await source(request);
  } catch (error) {
    throw new ConfigFreezeError({
      code: "config-invalid",
      message: `config() threw ${error instanceof Error ? error.name : typeof error}: this execution cannot begin without its configuration.`,
      cause: error,
    });
  }
}

async function validate(schema: StandardSchema<unknown>, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  throw new ConfigFreezeError({
    code: "config-invalid",
    message: `The run's context does not satisfy the \`config\` schema: ${result.issues
      .slice(0, 3)
      .map(({ message }) => message)
      .join("; ")}.`,
    details: { issues: result.issues.length },
  });
}
