import { CoreError } from "../errors.ts";
import { isEvenkeelMiddleware } from "../middleware.ts";
import type { AnyMiddleware } from "../middleware.ts";
import { answerToolErrors } from "../tool/tool-errors.ts";
import { isToolNode } from "../tool/tool-node.ts";
import { isCompiledGraph } from "./compiled-graph.ts";
import type { Compiled } from "./compiled-graph.ts";

/** LangChain's `ReactAgent`, as `createAgent` and deepagents return it. */
export interface Agent {
  readonly graph: Compiled;
  readonly options: { readonly middleware?: readonly AnyMiddleware[] };
}

/** The node of such an agent that calls its model. */
export const MODEL_NODE = "model_request";

/** The node of such an agent that calls its tools. */
const TOOLS_NODE = "tools";

/** True for an agent of LangChain's `createAgent`. */
export function isAgent(candidate: object): candidate is Agent {
  const agent = candidate as Partial<Agent>;
  return (
    typeof agent.options === "object" && agent.options !== null && isCompiledGraph(agent.graph)
  );
}

/**
 * The agent with further middleware before its own. LangChain composes the whole stack itself, so
 * its order, its tools and its state schemas are LangChain's business, and hooks of nodes work. What
 * its tools throw stays a message to the model where it was one without this middleware.
 */
export function agentWith(agent: Agent, middleware: readonly AnyMiddleware[]): Agent {
  if (middleware.length === 0) return agent;
  const own = agent.options.middleware ?? [];
  const clash = middleware.find(({ name }) => own.some((other) => other.name === name));
  if (clash !== undefined) {
    throw new CoreError({
      code: "duplicate-middleware",
      middleware: clash.name,
      message: `The agent has a middleware named "${clash.name}" already. Give one of them another name with its \`name\` option.`,
    });
  }
  const Constructor = agent.constructor as new (options: object, config: object) => Agent;
  const made = new Constructor(
    { ...agent.options, middleware: [...middleware, ...own].map(withoutSchema) },
    agent.graph.config ?? {},
  );
  const ofOthers = middleware.filter((one) => !isEvenkeelMiddleware(one));
  if (![...own, ...ofOthers].some((one) => "wrapToolCall" in one && Boolean(one.wrapToolCall))) {
    const tools = made.graph.builder.nodes[TOOLS_NODE]?.runnable;
    if (isToolNode(tools)) answerToolErrors(tools);
  }
  return made;
}

/**
 * The private channels of ours are the copied graph's to add. LangChain would build and run a new
 * schema of them around every model call: a tenth of a millisecond per middleware, for hooks that
 * read their state elsewhere.
 */
function withoutSchema(middleware: AnyMiddleware): AnyMiddleware {
  if (!isEvenkeelMiddleware(middleware)) return middleware;
  const { stateSchema: _private, ...rest } = middleware;
  return rest;
}
