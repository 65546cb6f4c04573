import type { ModelRequestBody } from "./variants.ts";

/** A customer who mistyped the number of an order: no such order is found, however often it is looked for. */
export const LOST_ORDER = "I am Jonas Brandt. Where is my order A-1034?";

/** What became of such a run. */
export interface LostOrderRun {
  /** The last words to the customer, or what ended the run without any. */
  readonly ended: string;
  readonly attempts: number;
  /** Codes of what the run was flagged for. */
  readonly flags: readonly string[];
}

/** A run with a mistyped number, as it was seen from outside. */
export interface LostOrder extends LostOrderRun {
  readonly requests: readonly ModelRequestBody[];
}

/** How often the run looked for the order that is not there. */
export function lookedUp({ requests }: LostOrder): number {
  const counts = requests.map(
    (request) => callsOf(request).filter((name) => name === "lookup_order").length,
  );
  return Math.max(...counts);
}

/** The calls of the last attempt, in order, as the last request shows them to the model. */
export function lastCalls({ requests }: LostOrder): string {
  const names = callsOf(requests.at(-1));
  const [name = "none"] = names;
  return names.every((one) => one === name) ? `${name} × ${names.length}` : names.join(", ");
}

function callsOf(request: ModelRequestBody | undefined): string[] {
  return (request?.messages ?? []).flatMap(({ tool_calls: calls = [] }) =>
    calls.map((call) => call.function.name),
  );
}
