/** The graphs the matrix kills. */
export const KINDS = [
  "StateGraph",
  "createReactAgent v1",
  "createReactAgent v2",
  "createAgent",
] as const;
/** One of them. */
export type Kind = (typeof KINDS)[number];

/** What the agent does while it is killed. */
export const SCENES = [
  "one tool",
  "three parallel",
  "subgraph",
  "interrupt in the same turn",
] as const;
/** One of them, or three parallel calls that are planned anew after the crash. */
export type Scene = (typeof SCENES)[number] | "planned anew";

/** What a child process of the matrix is to do. */
export interface EffectsJob {
  readonly kind: Kind;
  readonly scene: Scene;
  readonly thread: string;
  /** Base URL of the model's endpoint. */
  readonly model: string;
  /** Base URL of the payment service. */
  readonly payments: string;
  readonly database: string;
  /** Schema of the checkpoints. */
  readonly schema: string;
  /** Schema of the ledger. */
  readonly ledger: string;
  readonly durability: "sync" | "async";
  readonly bare: boolean;
  /** `start` gives the input, `continue` goes on from the checkpoint, `again` from the first one. */
  readonly act: "start" | "continue" | "resume" | "again";
}

/** What a child process that came to its end reports. */
export interface EffectsReport {
  readonly paused: boolean;
  /** What was said, in a form that two runs have in common. */
  readonly said: readonly string[];
  readonly events: readonly string[];
  /** How often another worker's lease was waited for. */
  readonly busy: number;
}

/** How long a dead worker keeps the next one waiting, in milliseconds. */
export const LEASE_MS = 600;
