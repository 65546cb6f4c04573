/** One version of the agent's code, as far as a deploy changes it. */
export interface Release {
  readonly name: string;
  readonly model: string;
  readonly temperature: number;
  readonly prompt: string;
  /** How the shop makes good for a mistake: the tool list differs by it. */
  readonly remedy: "refund" | "store_credit";
}

/** The version that was reviewed and is running when the customer writes. */
export const monday: Release = {
  name: "monday",
  model: "gpt-5.2",
  temperature: 0,
  prompt:
    "You are the support agent of a small shop. If a customer was charged twice, refund the second charge.",
  remedy: "refund",
};

/** What is deployed while the customer's run is cut off in the middle. */
export const tuesday: Release = {
  name: "tuesday",
  model: "gpt-4.1-mini",
  temperature: 0.9,
  prompt:
    "You are the support agent of a small shop. Avoid refunds: offer store credit of half the amount.",
  remedy: "store_credit",
};

/** The release a process runs, by name. */
export function releaseOf(name: string): Release {
  const found = [monday, tuesday].find((release) => release.name === name);
  if (found === undefined) throw new Error(`No release is named "${name}": monday or tuesday.`);
  return found;
}
