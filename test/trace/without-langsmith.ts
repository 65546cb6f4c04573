import { register } from "node:module";

// The agent's process as it is where nobody installed langsmith for core: what core asks of it is
// not there. The application's own import, and LangChain's, still find theirs.
const hook = `
import { writeSync } from "node:fs";
export async function resolve(specifier, context, next) {
  const fromCore = /[\\\\/]packages[\\\\/]core[\\\\/]/.test(context.parentURL ?? "");
  if (!fromCore || !/^langsmith(\\/|$)/.test(specifier)) return next(specifier, context);
  writeSync(1, "core asked for " + specifier + "\\n");
  throw Object.assign(new Error("not installed: " + specifier), { code: "ERR_MODULE_NOT_FOUND" });
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
await import("./agent-process.ts");
