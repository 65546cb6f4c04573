import * as answer from "./answer.ts";
import * as calls from "./calls.ts";
import * as deviation from "./deviation.ts";
import type { FlagRule } from "./flag-rule.ts";
import * as request from "./request.ts";
import * as run from "./run.ts";
import * as usual from "./usual.ts";

/** Every built-in rule; a new file in `rules/` is added here. */
export const defaultRules: readonly FlagRule[] = [
  run,
  calls,
  answer,
  request,
  usual,
  deviation,
].flatMap((group): FlagRule[] => Object.values(group));
