import { CoreError } from "../errors.ts";
import { ambientScope } from "../run/scope.ts";

/**
 * Reports a call that passed no seam, once per place; under `strict`, or where a middleware of the
 * stack fails closed, it is an error instead.
 */
export function reportUnwrapped(kind: "model" | "tool", how: string, at?: string): void {
  const { graph, node } = ambientScope();
  if (graph === undefined) return;
  const guarded = graph.stack.filter((entry) =>
    kind === "model" ? entry.model !== undefined : entry.tool !== undefined,
  );
  if (guarded.length === 0) return;
  const { run } = graph;
  const place = at ?? node?.path ?? "graph";
  const remedy =
    kind === "model"
      ? "Wrap the model with wrapModel()."
      : "Wrap the tools with wrapTools(), or use a ToolNode.";
  const message = `A ${kind} call in "${place}" (${how}) passed no middleware. ${remedy}`;
  if (run.strict || guarded.some((entry) => entry.definition?.failClosed === true)) {
    const details = { kind, how, node: place };
    const refusal = new CoreError({ code: "call-not-wrapped", message, details });
    // A tool node may turn what is thrown into an answer for the model.
    if (node !== undefined) node.refusal ??= refusal;
    throw refusal;
  }
  if (run.reported.has(message)) return;
  run.reported.add(message);
  run.emitter.emit(
    "core",
    "call-not-wrapped",
    { node: place },
    { severity: "medium", detail: { kind, how, remedy } },
  );
}
