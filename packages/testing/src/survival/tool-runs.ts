/** Counts how often each call of a tool has begun in this process, by its name and arguments. */
export interface ToolRuns {
  begin(id: string, tool: string, input: unknown): void;
  /** The call did nothing after all. */
  withdraw(id: string): void;
  counts(): Record<string, number>;
}

/** Starts counting; `tell` hears of every change before the call goes on. */
export function toolRuns(tell: () => void): ToolRuns {
  const begun = new Map<string, string>();
  return {
    begin(id, tool, input) {
      // LangChain hands its listeners a tool's input as text or as an object.
      const text = typeof input === "string" ? input : JSON.stringify(input);
      begun.set(id, `${tool}(${text})`);
      tell();
    },
    withdraw(id) {
      begun.delete(id);
      tell();
    },
    counts() {
      const counts: Record<string, number> = {};
      for (const title of begun.values()) counts[title] = (counts[title] ?? 0) + 1;
      return counts;
    },
  };
}

/** The name of the tool in a title such as `refund({"order":"A1"})`. */
export function toolOf(title: string): string {
  return title.slice(0, title.indexOf("("));
}

/** The counts of two processes together. */
export function addCounts(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...one };
  for (const [title, count] of Object.entries(other)) sum[title] = (sum[title] ?? 0) + count;
  return sum;
}
