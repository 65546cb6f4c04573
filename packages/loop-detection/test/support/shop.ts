import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";

/** A tool that counts its calls. */
export interface CountedTool {
  readonly tool: StructuredToolInterface;
  readonly calls: () => number;
}

const anything = { type: "object", properties: {}, additionalProperties: true } as const;

/** A tool whose answers a test decides: by the arguments and how often it was called before. */
export function counted(
  name: string,
  answer: (given: Record<string, unknown>, before: number) => unknown,
): CountedTool {
  let calls = 0;
  const made = tool(
    (given: unknown) => {
      calls += 1;
      return answer(given as Record<string, unknown>, calls - 1);
    },
    { name, description: `The tool ${name}.`, schema: anything },
  );
  return { tool: made, calls: () => calls };
}
