import { EvenkeelError } from "@evenkeel/core";

/** What a conformance run ends with where it does not pass. */
export type ConformanceErrorCode = "law-broken" | "invalid-options" | "langchain-missing";

/** A broken law, with what happened and the fix; or a kit that was asked for something impossible. */
export class ConformanceError extends EvenkeelError<ConformanceErrorCode> {}
