import { everythingSection } from "./sections/everything.ts";
import { failureContextSection } from "./sections/failure-context.ts";
import { loadSection } from "./sections/load.ts";
import { offloadSection } from "./sections/offload.ts";
import { overheadSection } from "./sections/overhead.ts";
import type { Section } from "./sections/section.ts";
import { signalsSection } from "./sections/signals.ts";
import {
  flagsSection,
  idempotencySection,
  limitsSection,
  loopsSection,
  retrySection,
} from "./sections/tables.ts";

/** One bench of the page: the npm script `bench:<id>`, and how its figures are shown. */
export interface Bench {
  readonly id: string;
  /** What follows `--json` on its command line. */
  readonly args: readonly string[];
  /** The same for a try of seconds. */
  readonly quickArgs: readonly string[];
  /** Whether it measures on recorded runs: some can also do without. */
  readonly corpus?: "needed" | "taken";
  readonly section: (result: never) => Section;
}

/** All of them, in the order of the page. */
export const BENCHES: readonly Bench[] = [
  { id: "everything", args: [], quickArgs: ["--quick"], section: everythingSection },
  { id: "load", args: ["--seconds", "120"], quickArgs: ["--seconds", "2"], section: loadSection },
  { id: "overhead", args: [], quickArgs: ["--quick"], section: overheadSection },
  {
    id: "retry",
    args: ["--pairs", "30"],
    quickArgs: ["--pairs", "2"],
    section: retrySection,
  },
  {
    id: "failure-context",
    args: [],
    quickArgs: [],
    section: failureContextSection,
  },
  {
    id: "limits",
    args: ["--pairs", "30", "--think", "0"],
    quickArgs: ["--pairs", "2", "--think", "0"],
    section: limitsSection,
  },
  { id: "idempotency", args: [], quickArgs: ["--pairs", "3"], section: idempotencySection },
  { id: "flags", args: ["--pairs", "40"], quickArgs: ["--pairs", "2"], section: flagsSection },
  { id: "loops", args: [], quickArgs: ["--quick"], section: loopsSection },
  {
    id: "offload",
    args: [],
    quickArgs: ["--quick"],
    corpus: "taken",
    section: offloadSection,
  },
  { id: "signals", args: [], quickArgs: [], corpus: "needed", section: signalsSection },
];
