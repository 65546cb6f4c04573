/**
 * True for what LangGraph throws to hand control upward (interrupts, parent commands): it passes
 * every catch as it is. Known by its mark, so that the pure parts need no LangGraph.
 */
export function isControlFlow(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    (error as { is_bubble_up?: unknown }).is_bubble_up === true
  );
}
