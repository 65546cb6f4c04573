import { getConfig } from "@langchain/langgraph";

/** The configurable keys of the task at work; empty outside of one. */
export function currentConfigurable(): Readonly<Record<string, unknown>> {
  try {
    return getConfig()?.configurable ?? {};
  } catch {
    return {};
  }
}
