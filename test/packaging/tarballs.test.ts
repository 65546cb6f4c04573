import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { packedProject } from "../support/packed-project.ts";
import type { PackedProject } from "../support/packed-project.ts";
import { root } from "../support/source-examples.ts";

// One line of the README, once as a module, once as CommonJS; both run a graph with middleware.
const USE = `
const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", async () => ({ messages: [new AIMessage("hello")] }))
  .addEdge(START, "agent")
  .compile({ checkpointer: new MemorySaver() });
const freeze = configFreezeMiddleware({ config: () => ({ tone: "kind" }) });
const agent = withMiddleware(graph, [freeze]);
`;
const RUN = `
const state = await agent.invoke({ messages: [] }, { configurable: { thread_id: "t" } });
console.log(state.messages.at(-1)?.text);
`;
const NAMES = {
  "@evenkeel/config-freeze": "configFreezeMiddleware",
  "@evenkeel/core": "withMiddleware",
  "@langchain/core/messages": "AIMessage",
  "@langchain/langgraph": "MemorySaver, MessagesAnnotation, START, StateGraph",
};
const imports = Object.entries(NAMES)
  .map(([from, names]) => `import { ${names} } from "${from}";`)
  .join("\n");
const requires = Object.entries(NAMES)
  .map(([from, names]) => `const { ${names} } = require("${from}");`)
  .join("\n");
const TYPED = `${imports}
import type { EvenkeelEvent } from "@evenkeel/core";
${USE}
const tone: string = freeze.config().tone;
// @ts-expect-error the accessor is typed by \`config\`
const missing: string = freeze.config().nothing;
const events: EvenkeelEvent[] = [];
export { agent, events, missing, tone };
export const state = await agent.invoke({ messages: [] });
export const text: string | undefined = state.messages.at(-1)?.text;
`;
const tsconfig = (module: string, moduleResolution: string, skipLibCheck: boolean): string =>
  JSON.stringify({
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: "es2022",
      lib: ["esnext", "dom"],
      types: ["node"],
      module,
      moduleResolution,
      skipLibCheck,
    },
    files: ["typed.ts"],
  });

const PACKAGES = await readdir(join(root, "packages"));
let project: PackedProject;
beforeAll(async () => {
  project = await packedProject({
    packages: PACKAGES,
    dependencies: {
      "@langchain/core": "1.2.13",
      "@langchain/langgraph": "1.4.17",
      "@types/node": "^20.19.0",
      pg: "8.23.1",
      "typescript-5.4": "npm:typescript@5.4.5",
      "typescript-5.9": "npm:typescript@5.9.3",
      "typescript-7": "npm:typescript@7.0.2",
    },
  });
  await project.write("typed.ts", TYPED);
}, 240_000);
afterAll(() => project?.remove());

describe("the tarballs npm would publish, in an empty project", () => {
  test("run as modules", async () => {
    await project.write("use.mjs", `${imports}${USE}${RUN}`);
    expect(await project.run("node", "use.mjs")).toBe("hello\n");
  });

  test("run from CommonJS", async () => {
    await project.write("use.cjs", `${requires}${USE}(async () => {${RUN}})();`);
    expect(await project.run("node", "--no-warnings", "use.cjs")).toBe("hello\n");
  });

  test.each([
    ["typescript-7", "nodenext", "nodenext", false],
    ["typescript-7", "esnext", "bundler", false],
    ["typescript-5.9", "nodenext", "nodenext", false],
    ["typescript-5.9", "esnext", "bundler", false],
    ["typescript-5.4", "nodenext", "nodenext", true],
  ] as const)(
    "type-check with %s, module %s",
    { timeout: 120_000 },
    async (compiler, module, resolution, skipLibCheck) => {
      const file = `tsconfig.${compiler}.${module}.json`;
      await project.write(file, tsconfig(module, resolution, skipLibCheck));
      const tsc = `node_modules/${compiler}/bin/tsc`;
      const output = await project.run("node", tsc, "-p", file).catch(String);
      // What other packages' declarations say of themselves is not ours.
      const ours = output
        .split("\n")
        .filter((line) => /^(typed\.ts|node_modules\/@evenkeel)/.test(line));
      expect(ours).toEqual([]);
    },
  );

  test("every package imports, and what it exports is not empty", async () => {
    const names = PACKAGES.map((name) => (name === "evenkeel" ? name : `@evenkeel/${name}`));
    expect(names).toContain("@evenkeel/core");
    for (const name of names) {
      const script = `import("${name}").then((m) => console.log(Object.keys(m).length > 0))`;
      expect(await project.run("node", "-e", script), name).toBe("true\n");
    }
  });
});
