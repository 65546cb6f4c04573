import { wrapModel } from "@evenkeel/core";
import { SystemMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import type * as LangChain from "langchain";

import type { ScriptedModel } from "../model/scripted-model.ts";
import { ConformanceError } from "./error.ts";

/** What a graph is built from. */
export interface GraphParts {
  readonly model: ScriptedModel;
  readonly tools: readonly StructuredToolInterface[];
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: BaseStore | undefined;
}

/** A way to build an agent: laws run on each kind. */
export interface GraphKind {
  /** Named in failures. */
  readonly name: string;
  /** The graph without middleware, as `withMiddleware` takes it, its model calls wrappable. */
  build(parts: GraphParts): object | Promise<object>;
}

const PROMPT = "You keep the books of a small shop.";
const notes = Annotation<string[]>({
  reducer: (before, added) => [...before, ...added],
  default: () => [],
});

/** A hand-written loop of a model node and the prebuilt ToolNode. */
export const stateGraph: GraphKind = {
  name: "StateGraph",
  build({ model, tools, checkpointer, store }) {
    const bound = wrapModel(model).bindTools([...tools]);
    return new StateGraph(Annotation.Root({ ...MessagesAnnotation.spec, notes }))
      .addNode("agent", async ({ messages }) => ({
        messages: [await bound.invoke([new SystemMessage(PROMPT), ...messages])],
      }))
      .addNode("tools", new ToolNode([...tools]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer, ...(store === undefined ? {} : { store }) });
  },
};

/** LangChain's `createAgent`, which composes call hooks itself. */
export const langchainAgent: GraphKind = {
  name: "createAgent",
  async build({ model, tools, checkpointer, store }) {
    const { createAgent } = await loadLangchain();
    return createAgent({
      model,
      tools: [...tools],
      systemPrompt: PROMPT,
      stateSchema: Annotation.Root({ notes }) as never,
      checkpointer,
      ...(store === undefined ? {} : { store }),
    });
  },
};

// LangChain is no dependency of this package: who has no use for createAgent need not install it.
async function loadLangchain(): Promise<typeof LangChain> {
  try {
    return await import("langchain");
  } catch (error) {
    throw new ConformanceError({
      code: "langchain-missing",
      message:
        'The laws run on createAgent too, and the package "langchain" is not installed. Install it as a development dependency, or pass `graphs: ["StateGraph"]`.',
      cause: error,
    });
  }
}
