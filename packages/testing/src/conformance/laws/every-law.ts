import { abort } from "./abort.ts";
import { bareSurroundings } from "./bare-surroundings.ts";
import { bubbleUp } from "./bubble-up.ts";
import { commandUntouched } from "./command-untouched.ts";
import { composes } from "./composes.ts";
import { declaredKeys } from "./declared-keys.ts";
import { frozenInput } from "./frozen-input.ts";
import { handlerAwaited, handlerCalls } from "./handler-calls.ts";
import { idleIdentity } from "./idle-identity.ts";
import { interleavedThreads } from "./interleaved-threads.ts";
import { interruptResume } from "./interrupt-resume.ts";
import { invalidArguments } from "./invalid-arguments.ts";
import type { Law } from "./law.ts";
import { names } from "./names.ts";
import { observeMode } from "./observe-mode.ts";
import { parallelCalls } from "./parallel-calls.ts";
import { privateChannels } from "./private-channels.ts";
import { sameSupersteps } from "./same-supersteps.ts";
import { stateVersions } from "./state-versions.ts";

/** The nineteen laws, in order. */
export const everyLaw: readonly Law[] = [
  bubbleUp,
  idleIdentity,
  commandUntouched,
  handlerCalls,
  handlerAwaited,
  abort,
  interleavedThreads,
  frozenInput,
  declaredKeys,
  interruptResume,
  composes,
  names,
  parallelCalls,
  invalidArguments,
  sameSupersteps,
  bareSurroundings,
  stateVersions,
  privateChannels,
  observeMode,
];
