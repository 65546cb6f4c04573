import { CoreError } from "./errors.ts";
import type { MiddlewareMode } from "./middleware.ts";

/** The environment variable that switches modes without a deploy: `name=mode`, comma-separated. */
const MODE_VARIABLE = "EVENKEEL_MODE";

const MODES: readonly string[] = ["enforce", "observe", "off"];

const parsed = new Map<string, ReadonlyMap<string, MiddlewareMode>>();

/**
 * The mode a middleware runs in now: what `EVENKEEL_MODE` says for its name (or for `*`), else its
 * own `mode` option, else `"enforce"`.
 */
export function currentMode(definition: {
  name: string;
  mode?: MiddlewareMode | undefined;
}): MiddlewareMode {
  const text = process.env[MODE_VARIABLE];
  if (text === undefined || text === "") return definition.mode ?? "enforce";
  const table = parsed.get(text) ?? parseModes(text);
  return table.get(definition.name) ?? table.get("*") ?? definition.mode ?? "enforce";
}

/** Whether a middleware's tools are offered: in `observe` the model's requests stay as they were. */
export function offersTools(definition: Parameters<typeof currentMode>[0] | undefined): boolean {
  return definition === undefined || currentMode(definition) === "enforce";
}

/** Reads `name=mode,…`; anything else is a coded error that says what came. */
export function parseModes(text: string): ReadonlyMap<string, MiddlewareMode> {
  const table = new Map<string, MiddlewareMode>();
  for (const entry of text.split(",")) {
    const [name, mode, ...rest] = entry.split("=").map((part) => part.trim());
    if (name === undefined || name === "" || mode === undefined || rest.length > 0) {
      throw invalidMode(text, entry);
    }
    if (!isMode(mode)) throw invalidMode(text, entry);
    table.set(name, mode);
  }
  parsed.set(text, table);
  return table;
}

/** True for one of the three modes. */
export function isMode(value: unknown): value is MiddlewareMode {
  return typeof value === "string" && MODES.includes(value);
}

function invalidMode(text: string, entry: string): CoreError {
  return new CoreError({
    code: "invalid-options",
    message: `${MODE_VARIABLE}="${text}": "${entry}" is not understood; allowed is "<middleware>=<${MODES.join("|")}>", comma-separated.`,
  });
}
