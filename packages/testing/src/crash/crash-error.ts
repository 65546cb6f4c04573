import { EvenkeelError } from "@evenkeel/core/errors";

/** What can come of a script in a child process, other than what was asked for. */
export type CrashErrorCode =
  | "bundle-failed"
  | "child-failed"
  | "child-timed-out"
  | "crash-point-not-reached"
  | "duplicate-case"
  | "invalid-option"
  | "resume-file-unreadable"
  | "script-not-found"
  | "tsx-missing";

/** A child process that did something else than asked; `details` hold all it printed. */
export class CrashError extends EvenkeelError<CrashErrorCode> {}
