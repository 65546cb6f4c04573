import type { FlagRule } from "./flag-rule.ts";
import * as answer from "./rules/answer.ts";
import * as calls from "./rules/calls.ts";
import * as deviation from "./rules/deviation.ts";
import * as request from "./rules/request.ts";
import * as run from "./rules/run.ts";
import * as usual from "./rules/usual.ts";

/** Every built-in rule; a new file in `rules/` is added here. */
export const defaultRules: readonly FlagRule[] = [
  run,
  calls,
  answer,
  request,
  usual,
  deviation,
].flatMap((group): FlagRule[] => Object.values(group));
