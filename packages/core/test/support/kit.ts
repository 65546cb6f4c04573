import type { ToolRunnableConfig } from "@langchain/core/tools";
import { tool } from "@langchain/core/tools";
import type { DynamicStructuredTool } from "@langchain/core/tools";
import { InMemoryStore, MemorySaver } from "@langchain/langgraph";
import { z } from "zod";

import { scriptedModel } from "../../../testing/src/model/scripted-model.ts";
import type { ScriptedModel } from "../../../testing/src/model/scripted-model.ts";
import type { ScriptedTurns } from "../../../testing/src/model/scripted-turn.ts";
import { wrapModel, wrapTools } from "../../src/index.ts";

/** What a graph under test is built of: the same parts bare and with wrapped models. */
export interface Kit {
  readonly checkpointer: MemorySaver;
  readonly store: InMemoryStore;
  /** A scripted model, wrapped where the graph is to have middleware. */
  model(turns: ScriptedTurns): ScriptedModel;
  /** A scripted model that is never wrapped. */
  bareModel(turns: ScriptedTurns): ScriptedModel;
  /** A tool whose every execution is counted. */
  tool(name: string, answer?: ToolAnswer): DynamicStructuredTool;
  /** The tools of a graph whose tool calls no seam reaches by itself. */
  wrapTools(tools: DynamicStructuredTool[]): DynamicStructuredTool[];
  /** How often models were called. */
  modelCalls(): number;
  /** `name:id` of every tool execution that began. */
  readonly toolRuns: string[];
  readonly wraps: boolean;
}

type ToolAnswer = (args: Record<string, unknown>, config: ToolRunnableConfig) => unknown;

/** Makes the parts for one build of a graph. */
export function createKit(wraps: boolean): Kit {
  const models: ScriptedModel[] = [];
  const toolRuns: string[] = [];
  let ids = 0;
  const bareModel = (turns: ScriptedTurns): ScriptedModel => {
    const model = scriptedModel(turns, { createId: () => `scripted-${(ids += 1)}` });
    models.push(model);
    return model;
  };
  return {
    wraps,
    toolRuns,
    checkpointer: new MemorySaver(),
    store: new InMemoryStore(),
    wrapTools: (tools) => (wraps ? wrapTools(tools) : tools),
    modelCalls: () => models.reduce((sum, { calls }) => sum + calls.length, 0),
    bareModel,
    model: (turns) => (wraps ? wrapModel(bareModel(turns)) : bareModel(turns)),
    tool: (name, answer = (args) => `${name} says ${JSON.stringify(args)}`) =>
      tool(
        async (args: Record<string, unknown>, config: ToolRunnableConfig) => {
          toolRuns.push(`${name}:${config.toolCall?.id}`);
          return answer(args, config);
        },
        { name, description: `the tool ${name}`, schema: z.looseObject({}) },
      ),
  };
}
