import { isDeepStrictEqual } from "node:util";

import type { AnyMiddleware, ModelRequest, ToolCallRequest } from "@evenkeel/core";

import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import type { WatchedCall } from "../sandwich.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 2. */
export const idleIdentity: Law = {
  law: 2,
  title: "nothing to do ⇒ result and update identical",
  fix: "where there is nothing to do, `return handler(request)`: the same request in, the same result object out, no Command, no copy. If the middleware acts in every run, give `create` options under which it has nothing to do.",
  check: (context) =>
    everywhere(context, [context.idle], async ({ kind, subject, stage }) => {
      const { situation } = subject;
      const middleware = subject.create();
      const { stack, calls } = sandwich(middleware);
      const bare = await play({ kind, stage: await stage(), situation });
      const outcome = await play({ kind, stage: await stage(), situation, stack });
      assertCompleted(outcome);
      for (const call of calls) assertIdentical(call, middleware);
      const expected = normalForm(bare.values);
      const came = normalForm(outcome.values);
      if (came !== expected) {
        throw new Broken(
          `the state differs from the bare graph's: ${firstDifference(expected, came)}.`,
        );
      }
    }),
};

function assertIdentical(call: WatchedCall, middleware: AnyMiddleware): void {
  const [inner, ...more] = call.inner;
  if (inner === undefined || more.length > 0) {
    throw new Broken(`a ${call.seam} call reached the handler ${call.inner.length} times.`);
  }
  if (call.result !== inner.result) {
    throw new Broken(`a ${call.seam} call returned another object than its handler did.`);
  }
  const changed = changedField(call, inner.request, middleware);
  if (changed !== undefined) {
    throw new Broken(`a ${call.seam} call reached the handler with another \`${changed}\`.`);
  }
}

function changedField(
  { seam, request }: WatchedCall,
  next: unknown,
  { tools: brought = [] }: AnyMiddleware,
): string | undefined {
  if (seam === "run") return undefined;
  if (seam === "tool") {
    const [given, passed] = [request as ToolCallRequest, next as ToolCallRequest];
    if (!isDeepStrictEqual(given.toolCall, passed.toolCall)) return "toolCall";
    return given.tool === passed.tool ? undefined : "tool";
  }
  const [given, passed] = [request as ModelRequest, next as ModelRequest];
  const own = (tools: readonly unknown[]): unknown[] =>
    tools.filter((tool) => !(brought as readonly unknown[]).includes(tool));
  const same: Readonly<Record<string, boolean>> = {
    model: given.model === passed.model,
    messages:
      given.messages.length === passed.messages.length &&
      given.messages.every((message, index) => message === passed.messages[index]),
    systemMessage: isDeepStrictEqual(given.systemMessage.content, passed.systemMessage.content),
    tools: isDeepStrictEqual(own(given.tools), own(passed.tools)),
    toolChoice: isDeepStrictEqual(given.toolChoice, passed.toolChoice),
    modelSettings: isDeepStrictEqual(given.modelSettings, passed.modelSettings),
  };
  return Object.keys(same).find((field) => same[field] === false);
}
