import type { Shape } from "./shapes.ts";

/** What a child process of the crash matrix is to do. */
export interface FreezeJob {
  readonly shape: Shape;
  readonly thread: string;
  /** Base URL of the endpoint. */
  readonly url: string;
  /** Connection URL of the database. */
  readonly database: string;
  readonly schema: string;
  readonly durability: "sync" | "async";
  /** False for the bare graph. */
  readonly frozen: boolean;
  /** Which version of the code the process runs. */
  readonly release: "monday" | "tuesday";
  /** `start` gives the input, the others go on from the checkpoint. */
  readonly act: "start" | "continue" | "resume" | "fork";
  /** The refund waits for a person. */
  readonly asks: boolean;
}

/** What a child process that came to its end reports. */
export interface FreezeReport {
  readonly text: string;
  /** There was nothing to go on from: no checkpoint was durable. */
  readonly lost: boolean;
  /** Names of the events of this process. */
  readonly events: readonly string[];
}

/** Header that names the case a request belongs to. */
export const CASE_HEADER = "x-case";
/** Header that names the model call. */
export const SITE_HEADER = "x-site";
