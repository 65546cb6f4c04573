import { clockTime, orders, outage } from "./orders.ts";

/** What the detective is asked, and how its answer is told from a wrong one. */
export interface Question {
  readonly text: string;
  /** What a right answer names, worked out from the data without any agent. */
  readonly names: readonly string[];
}

const failed = orders.filter(({ status }) => status === "failed");
const dearest = failed.toSorted((one, other) => other.total - one.total)[0];

function lostIn(city: string): string {
  const lost = failed.filter((order) => order.city === city);
  return lost.reduce((sum, { total }) => sum + total, 0).toFixed(2);
}

/** Asked one after the other in one thread: what was fetched for one is there for the next. */
export const questions: readonly Question[] = [
  {
    text: "Why were payments refused tonight, and which order was refused first?",
    names: ["certificate", failed[0]?.id ?? ""],
  },
  {
    text: "What was rolled out right before, and when was it taken back?",
    names: ["4.3.0", clockTime(outage.until).slice(11, 19)],
  },
  {
    text: "How much did we lose to it in each city?",
    names: ["Berlin", "Lisbon", "Milan", "Oslo"].map(lostIn),
  },
  {
    text: "Which of the failed orders was worth most?",
    names: [dearest?.id ?? "", (dearest?.total ?? 0).toFixed(2)],
  },
];
