import type { ModelRequest, RunRequest, ToolCallRequest } from "@evenkeel/core";
import { isBaseMessage } from "@langchain/core/messages";

import { deepFreeze, frozenTwin } from "../deep-freeze.ts";
import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import type { Interference, Seam } from "../sandwich.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law, Scene } from "./law.ts";

/** Law 8. */
export const frozenInput: Law = {
  law: 8,
  title: "deep-frozen state, messages and config accepted, never mutated",
  fix: "copy before you change: `{ ...request, messages: [...request.messages, mine] }`, and a new message instead of an edited one. `request.messages` is the live channel; what is pushed there is saved.",
  check: (context) =>
    everywhere(context, context.subjects, async (scene) => {
      await acceptsFrozen(scene);
      await leavesAsItWas(scene);
    }),
};

/** With everything frozen a mutation throws, and the run shows it. */
async function acceptsFrozen({ kind, subject, stage }: Scene): Promise<void> {
  const { situation } = subject;
  const plain = await play({
    kind,
    stage: await stage(),
    situation,
    stack: sandwich(subject.create()).stack,
  });
  const { stack } = sandwich(subject.create(), frozen());
  const outcome = await play({ kind, stage: await stage(), situation, stack });
  if (outcome.failed && !plain.failed) assertCompleted(outcome, "a run on deep-frozen input");
  const [expected, came] = [normalForm(plain.values), normalForm(outcome.values)];
  if (came === expected) return;
  const difference = firstDifference(expected, came);
  throw new Broken(`deep-frozen input changed what the run came to: ${difference}.`);
}

function frozen(): Interference {
  const originals = new Map<unknown, unknown>();
  const twin = <T extends object>(original: T, frozenFields: Partial<T>): T => {
    const copy = Object.freeze({ ...original, ...frozenFields });
    originals.set(copy, original);
    return copy;
  };
  const original = (value: unknown): unknown => originals.get(value) ?? value;
  return {
    enter: (seam, request) => {
      if (seam === "run") {
        const given = request as RunRequest;
        deepFreeze(given.state);
        deepFreeze(given.input);
        const { config } = given;
        const { tags = [], metadata, configurable } = config;
        const fields = {
          tags: Object.freeze([...tags]) as string[],
          metadata: Object.freeze({ ...metadata }),
          configurable: Object.freeze({ ...configurable }),
        };
        return Object.freeze({ ...given, config: twin(config, fields) });
      }
      const { state, runtime, ...given } = request as ModelRequest | ToolCallRequest;
      deepFreeze(state);
      deepFreeze(seamParts(seam, request));
      const configurable = Object.freeze({ ...runtime.configurable });
      return Object.freeze({ ...given, state, runtime: twin(runtime, { configurable }) });
    },
    // LangGraph itself writes into configs and fresh messages: those it gets back as they were.
    call: async (seam, request, handler) => {
      const given = request as Partial<RunRequest> & Partial<ToolCallRequest>;
      const result = await handler(
        seam === "run"
          ? { ...given, config: original(given.config) }
          : { ...given, runtime: original(given.runtime) },
      );
      if (!isBaseMessage(result)) return result;
      const copy = frozenTwin(result);
      originals.set(copy, result);
      return copy;
    },
    leave: (_seam, result) => original(result),
  };
}

/** What of a request belongs to the run and not to the call alone. */
function seamParts(seam: Seam, request: unknown): unknown {
  if (seam === "tool") return (request as ToolCallRequest).toolCall;
  const { messages, systemMessage, modelSettings } = request as ModelRequest;
  return [messages, systemMessage, modelSettings];
}

/** A mutation that was caught or that no freeze shows is seen by comparing before and after. */
async function leavesAsItWas({ kind, subject, stage }: Scene): Promise<void> {
  const seen: { seam: Seam; request: unknown; before: string }[] = [];
  const { stack } = sandwich(subject.create(), {
    enter: (seam, request) => {
      seen.push({ seam, request, before: picture(seam, request) });
      return request;
    },
  });
  await play({ kind, stage: await stage(), situation: subject.situation, stack });
  for (const { seam, request, before } of seen) {
    const after = picture(seam, request);
    if (after === before) continue;
    throw new Broken(
      `the request of a ${seam} call was mutated: ${firstDifference(before, after)}.`,
    );
  }
}

function picture(seam: Seam, request: unknown): string {
  if (seam === "run") {
    const { input, state, config } = request as RunRequest;
    const { tags, metadata, configurable } = config;
    return normalForm({
      input,
      state,
      tags,
      metadata,
      configurable: Object.keys(configurable ?? {}),
    });
  }
  const { messages } = (request as ModelRequest | ToolCallRequest).state;
  return normalForm([messages, seamParts(seam, request)]);
}
