import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { isGraphBubbleUp } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";

import { crashPoint } from "../crash/crash-point.ts";
import type { ToolRuns } from "./tool-runs.ts";

/** Puts a crash point on both sides of what a graph keeps; the saver itself does what it did. */
export function markCheckpointer(saver: BaseCheckpointSaver, nodes: NodeNames): void {
  const put = saver.put.bind(saver);
  const putWrites = saver.putWrites.bind(saver);
  saver.put = async (config, checkpoint, metadata, versions) => {
    const where = `${inGraph(config.configurable)}checkpoint ${metadata.step}`;
    // Before any other checkpoint stand the writes of its tasks, after which the same is durable.
    if (metadata.step === -1) crashPoint(`${where}: before it is written`);
    const written = await put(config, checkpoint, metadata, versions);
    crashPoint(`${where}: written`);
    return written;
  };
  saver.putWrites = async (config, writes, taskId, ...rest) => {
    const where =
      nodes.get(taskId) ?? `${inGraph(config.configurable)}writes beside the checkpoint`;
    crashPoint(`${where}: before its writes are kept`);
    await putWrites(config, writes, taskId, ...rest);
    crashPoint(`${where}: its writes are kept`);
  };
}

/** Names of nodes by the ids of their tasks. */
export type NodeNames = Map<string, string>;

/** Sees nodes and tools begin and end, and puts a crash point on both sides of a tool's effect. */
export function boundaryHandler(nodes: NodeNames, runs: ToolRuns): BaseCallbackHandler {
  const tools = new Map<string, string>();
  const after = (runId: string): void =>
    crashPoint(`tool ${tools.get(runId) ?? "?"}: after its effect`);

  const handler = BaseCallbackHandler.fromMethods({
    handleChainStart(_chain, _inputs, _runId, _runType, _tags, metadata) {
      const namespace: unknown = metadata?.["langgraph_checkpoint_ns"];
      if (typeof namespace !== "string") return;
      const path = namespace.split("|").map((part) => part.split(":"));
      const id = path.at(-1)?.at(-1);
      if (id !== undefined) nodes.set(id, path.map(([node]) => node).join(" > "));
    },
    handleToolStart(tool, input, runId, _parent, _tags, _metadata, name = tool.id.at(-1) ?? "?") {
      crashPoint(`tool ${name}: before its effect`);
      tools.set(runId, name);
      runs.begin(runId, name, input);
    },
    handleToolEnd(_output, runId) {
      after(runId);
    },
    handleToolError(error, runId) {
      // A tool that asks a person has had no effect yet: it runs anew with the answer.
      if (isGraphBubbleUp(error)) runs.withdraw(runId);
      else after(runId);
    },
  });
  // Otherwise LangChain goes on while the handler is still to be called.
  handler.awaitHandlers = true;
  return handler;
}

function inGraph(configurable: Readonly<Record<string, unknown>> | undefined): string {
  const namespace = configurable?.["checkpoint_ns"];
  if (typeof namespace !== "string" || namespace === "") return "";
  const path = namespace.split("|").map((part) => part.split(":")[0]);
  return `${path.join(" > ")}: `;
}
