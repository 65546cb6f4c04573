import { intentsOfTool } from "../shape/request-shape.ts";
import type { FlagRule } from "./flag-rule.ts";

const genericTool = /bash|shell|terminal|exec|sql|python|code|command|browser|run/i;
const longRequest = 2_000;
const manyMentions = 15;

/** The request lists more tasks than the run made calls. */
export const fewerCallsThanTasks: FlagRule = {
  name: "fewer-calls-than-tasks",
  failureClass: "planning",
  judge: ({ request, toolCalls }) =>
    request.parts >= 2 && toolCalls < request.parts && request.characters <= longRequest
      ? {
          strength: 1,
          severity: "medium",
          evidence: `The request lists ${request.parts} tasks; the run made ${toolCalls} calls.`,
          step: null,
        }
      : undefined,
};

/** The request asks for a change (send, create, delete, …) that no successful call stands for. */
export const changeNotMade: FlagRule = {
  name: "asked-change-not-made",
  failureClass: "planning",
  judge: ({ request, calls, requests, offered }) => {
    const names = offered ?? calls.map((call) => call.tool);
    if (request.intents.length === 0 || requests > 1) return undefined;
    if (names.some((name) => genericTool.test(name))) return undefined;
    const made = new Set(
      calls.filter((call) => call.ok).flatMap(({ tool }) => intentsOfTool(tool)),
    );
    const possible = offered === null ? undefined : new Set(offered.flatMap(intentsOfTool));
    const missing = request.intents.filter(
      (intent) => !made.has(intent) && (possible === undefined || possible.has(intent)),
    );
    if (missing.length === 0) return undefined;
    const share = missing.length / request.intents.length;
    return {
      strength: share,
      severity: "info",
      evidence: `The request asks to ${missing.join(", ")}; no successful call does.`,
      step: null,
    };
  },
};

/** The request names things that turn up in no call and not in the answer. */
export const mentionUnused: FlagRule = {
  name: "request-detail-unused",
  failureClass: "integration-gap",
  judge: ({ request, requests }) => {
    const { mentioned, unused, characters } = request;
    if (unused === 0 || mentioned > manyMentions || characters > longRequest || requests > 1) {
      return undefined;
    }
    return {
      strength: unused / mentioned,
      severity: "info",
      evidence: `${unused} of ${mentioned} names, numbers or references in the request turn up in no call and not in the answer.`,
      step: null,
    };
  },
};
