import type { Kind } from "../../../packages/tool-idempotency/test/support/effects-job.ts";

export { KINDS } from "../../../packages/tool-idempotency/test/support/effects-job.ts";
export type { Kind } from "../../../packages/tool-idempotency/test/support/effects-job.ts";

/** What the agent does while it is killed; also what its user writes. */
export const SCENES = [
  "one tool",
  "parallel",
  "subgraph",
  "interrupt",
  "rejected attempt",
  "large result",
  "failed tool",
] as const;
export type Scene = (typeof SCENES)[number];

/** Which version of the code a process runs. */
export type Release = "monday" | "tuesday";

/** The system prompt of each. */
export const PROMPTS: Record<Release, string> = {
  monday: "You are kind.",
  tuesday: "You are strict.",
};

/** What a child process is to do; where it stands it reads from the checkpoint. */
export interface EverythingJob {
  readonly kind: Kind;
  readonly scene: Scene;
  readonly thread: string;
  readonly durability: "sync" | "async";
  readonly release: Release;
  /** Base URLs of the model and of the payment service. */
  readonly model: string;
  readonly payments: string;
  readonly langsmith: string;
  readonly database: string;
  /** Schemas of the checkpoints and of Evenkeel. */
  readonly schema: string;
  readonly evenkeel: string;
}

/** What a child process that came to its end reports. */
export interface EverythingReport {
  readonly executionId: string;
  readonly paused: boolean;
  /** Nothing was durable when it began: the user's input was given again. */
  readonly anew: boolean;
  /** The state, in a form that two equal runs share. */
  readonly state: unknown;
  /** Handles of results that the conversation holds. */
  readonly handles: readonly string[];
  /** How often each point was passed. */
  readonly points: Readonly<Record<string, number>>;
  /** The numbers of the events that listeners heard in this process. */
  readonly heard: readonly number[];
}

/** Header that names the case a request belongs to. */
export const CASE_HEADER = "x-case";
/** How long a dead worker keeps the next one waiting, in milliseconds. */
export const LEASE_MS = 600;
/** What the large tool answers. */
export const LOG = Array.from({ length: 2_500 }, (_, line) => `${line} a line of the log`).join(
  "\n",
);
