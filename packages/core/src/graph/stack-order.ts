import type { StackEntry } from "./stack.ts";

/** The code of the warning, as Node prints it and as `process.on("warning")` hears it. */
const ORDER_CODE = "EVENKEEL_MIDDLEWARE_ORDER";

/** Warns at construction of an order in which one middleware breaks what another one promises. */
export function warnOfOrder(stack: readonly StackEntry[]): void {
  for (const [at, entry] of stack.entries()) {
    for (const outer of stack.slice(0, at)) {
      const why = reasonAgainst(outer, entry);
      if (why === undefined) continue;
      process.emitWarning(
        `${entry.name} must stand before ${outer.name} in the list of middleware (first is outermost): ${why}.`,
        { type: "EvenkeelWarning", code: ORDER_CODE },
      );
    }
  }
}

/** Why `inner` may not stand inside `outer`; undefined where it may. */
function reasonAgainst(outer: StackEntry, inner: StackEntry): string | undefined {
  const { outsideOf = {} } = inner.definition ?? {};
  if (Object.hasOwn(outsideOf, outer.name)) return outsideOf[outer.name];
  return outer.definition === undefined ? undefined : outsideOf["*"];
}
