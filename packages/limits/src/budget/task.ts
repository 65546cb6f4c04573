import type { HookRuntime } from "@evenkeel/core";

/** The task a call is made in; LangGraph gives it the same name again when it goes on after a pause. */
export function taskOf({ runtime }: { readonly runtime: HookRuntime }): string {
  const namespace = runtime.configurable?.["checkpoint_ns"];
  return typeof namespace === "string" ? namespace : "";
}
