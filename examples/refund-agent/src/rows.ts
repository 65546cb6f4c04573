import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

import { lastCalls, lookedUp } from "./lost-order.ts";
import { monday, tuesday } from "./releases.ts";
import type { Release } from "./releases.ts";
import type { ModelRequestBody, Observation } from "./variants.ts";

/** What both variants came to. */
export interface Comparison {
  readonly bare: Observation;
  readonly evenkeel: Observation;
  /** False where a real model answers: then what it decides is not ours to promise. */
  readonly scripted: boolean;
}

/** One row of the table: what is shown of each variant, and what must hold for it to be shown. */
export interface Row {
  readonly label: string;
  readonly show: (seen: Observation) => string;
  /** What the row claims; undefined where the figures speak for themselves. */
  readonly claim?: (both: Comparison) => boolean;
}

/** The rows of the table. A package that joins the demonstration adds its own at the end. */
export const rows: readonly Row[] = [
  {
    label: "prompt after the resume",
    show: (seen) => systemPromptOf(resumed(seen)).split(". ").at(-1) ?? "",
    claim: (both) => tells(both, (request, { prompt }) => systemPromptOf(request) === prompt),
  },
  {
    label: "model after the resume",
    show: (seen) => resumed(seen).model,
    claim: (both) => tells(both, (request, { model }) => request.model === model),
  },
  {
    label: "temperature after the resume",
    show: (seen) => String(resumed(seen).temperature),
    claim: (both) => tells(both, (request, release) => request.temperature === release.temperature),
  },
  {
    label: "remedy the model is offered",
    show: (seen) => remedyOf(resumed(seen)),
    claim: (both) => tells(both, (request, { remedy }) => remedyOf(request) === remedy),
  },
  {
    label: "the customer is told",
    show: ({ answer }) => answer,
    claim: ({ bare, evenkeel, scripted }) =>
      !scripted || (/credit/.test(bare.answer) && /refunded/.test(evenkeel.answer)),
  },
  {
    label: "drift noticed",
    show: ({ drift }) =>
      drift.length === 0 ? "nothing" : `${drift.length} fields: ${shorten(drift)}`,
    claim: ({ bare, evenkeel }) =>
      bare.drift.length === 0 && evenkeel.drift.some((field) => field.includes("temperature")),
  },
  {
    label: "supersteps",
    show: ({ supersteps }) => String(supersteps),
    claim: ({ bare, evenkeel, scripted }) => !scripted || bare.supersteps === evenkeel.supersteps,
  },
  {
    label: "checkpoints",
    show: ({ checkpoints }) => String(checkpoints),
    claim: ({ bare, evenkeel, scripted }) => !scripted || bare.checkpoints === evenkeel.checkpoints,
  },
  {
    label: "tokens of the last request",
    show: (seen) => tokensOf(seen).toLocaleString("en"),
    claim: ({ bare, evenkeel, scripted }) => !scripted || tokensOf(evenkeel) < tokensOf(bare) / 5,
  },
  {
    label: "bytes of checkpoints",
    show: ({ databaseBytes }) => databaseBytes.toLocaleString("en"),
    claim: ({ bare, evenkeel, scripted }) =>
      !scripted || evenkeel.databaseBytes < bare.databaseBytes / 3,
  },
  {
    label: "refunds and credits paid",
    show: ({ payments }) => `${payments.length}: ${[...new Set(payments)].join(" ")}`,
    claim: ({ bare, evenkeel, scripted }) =>
      !scripted || (bare.payments.length === 2 && evenkeel.payments.length === 1),
  },
  {
    label: "an order that is not found is looked for",
    show: ({ lost }) => `${lookedUp(lost)} times: ${lost.ended}`,
    claim: ({ bare, evenkeel, scripted }) =>
      !scripted ||
      (/limit/.test(bare.lost.ended) &&
        /A-1043/.test(evenkeel.lost.ended) &&
        lookedUp(evenkeel.lost) < lookedUp(bare.lost)),
  },
  {
    label: "attempts, and calls of the last",
    show: ({ lost }) => `${lost.attempts}: ${lastCalls(lost)}`,
    claim: ({ bare, evenkeel, scripted }) =>
      !scripted ||
      (bare.lost.attempts === 1 &&
        evenkeel.lost.attempts === 2 &&
        lastCalls(evenkeel.lost).startsWith("search_orders")),
  },
  {
    label: "flags raised for that run",
    show: ({ lost }) => lost.flags.join(", ") || "none",
    claim: ({ evenkeel, scripted }) => !scripted || evenkeel.lost.flags.length > 0,
  },
  { label: "time, all processes", show: ({ durationMs }) => `${Math.round(durationMs)} ms` },
];

/** The first request after the resume. */
function resumed({ requests, beforeCrash }: Observation): ModelRequestBody {
  const request = requests[beforeCrash];
  if (request === undefined) throw new Error("The resumed process made no model request.");
  return request;
}

/** True where every request after the resume tells Tuesday bare, and Monday with Evenkeel. */
function tells(
  { bare, evenkeel }: Comparison,
  says: (request: ModelRequestBody, release: Release) => boolean,
): boolean {
  const after = ({ requests, beforeCrash }: Observation): ModelRequestBody[] =>
    requests.slice(beforeCrash);
  return (
    after(bare).length > 0 &&
    after(evenkeel).length > 0 &&
    after(bare).every((request) => says(request, tuesday)) &&
    after(evenkeel).every((request) => says(request, monday))
  );
}

function systemPromptOf({ messages }: ModelRequestBody): string {
  // OpenAI's newer models are told by a "developer" what older ones are told by the "system".
  const content = messages.find(({ role }) => role === "system" || role === "developer")?.content;
  return typeof content === "string" ? content : JSON.stringify(content ?? "");
}

function remedyOf({ tools = [] }: ModelRequestBody): string {
  const names = tools.map((tool) => tool.function.name);
  return names.find((name) => name === monday.remedy || name === tuesday.remedy) ?? "none";
}

/** What the last request made the model read: its messages, by the tokenizer of the real models. */
function tokensOf({ requests }: Observation): number {
  return countTokens(JSON.stringify(requests.at(-1)?.messages ?? []));
}

function shorten(fields: readonly string[]): string {
  const names = fields.map((field) => field.split(".").at(-1) ?? field);
  return [...new Set(names)].slice(0, 6).join(", ");
}
