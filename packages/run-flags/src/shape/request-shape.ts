import { mentionsIn } from "./text-facts.ts";
import { type Vocabulary, wordsOf } from "./vocabulary.ts";

/** What the user asked for, as far as plain reading tells. */
export interface RequestShape {
  characters: number;
  /** Numbered or separate tasks in the request, at least 1. */
  parts: number;
  /** Which kinds of change were asked for. */
  intents: Intent[];
  /** References, quoted strings and numbers in the request. */
  mentioned: number;
  /** How many of them turn up in no call's arguments and not in the answer. */
  unused: number;
}

/** A kind of change a request asks for or a tool makes. */
export type Intent = "send" | "create" | "remove" | "change" | "invite" | "share" | "post" | "pay";

const intentWords: Readonly<Record<Intent, readonly string[]>> = {
  send: ["send", "email", "message", "mail", "dm", "notify", "reply", "forward", "text"],
  create: [
    "create",
    "add",
    "make",
    "book",
    "schedule",
    "insert",
    "write",
    "register",
    "new",
    "set",
  ],
  remove: ["delete", "remove", "cancel", "drop", "clear"],
  change: ["update", "change", "edit", "modify", "reschedule", "move", "append", "rename", "set"],
  invite: ["invite", "add"],
  share: ["share"],
  post: ["post", "publish", "upload"],
  pay: ["buy", "order", "purchase", "pay", "transfer", "refund", "book"],
};

const requestVerbs: Readonly<Record<Intent, RegExp>> = {
  send: /\b(?:send|e-?mail (?:it|him|her|them|me|to)|message (?:him|her|them|me|\p{Lu}\p{L}+)|notify|reply to|forward)\b/iu,
  create: /\b(?:create|schedule|add|book|set up|make (?:a|an|the)|write (?:a|an))\b/iu,
  remove: /\b(?:delete|remove|cancel)\b/iu,
  change: /\b(?:update|change|edit|modify|reschedule|move|append|rename)\b/iu,
  invite: /\binvite\b/iu,
  share: /\bshare\b/iu,
  post: /\b(?:post|publish|upload)\b/iu,
  pay: /\b(?:buy|purchase|pay|transfer|refund)\b/iu,
};

/** Reads the request's tasks and mentions, and which of them the run ever used: `used` is asked where there are any. */
export function requestShape(request: string, used: () => Vocabulary): RequestShape {
  if (request === "") return { characters: 0, parts: 1, intents: [], mentioned: 0, unused: 0 };
  const { references, numbers, quoted } = mentionsIn(request);
  const mentioned = [...new Set([...references, ...quoted, ...numbers])].slice(0, 60);
  return {
    characters: request.length,
    parts: countParts(request),
    intents: intentsIn(request),
    mentioned: mentioned.length,
    unused: mentioned.length === 0 ? 0 : countUnused(mentioned, used()),
  };
}

/** Which kinds of change a tool's name stands for; `send_email` stands for `send`. */
export function intentsOfTool(tool: string): Intent[] {
  const words = wordsOf(tool.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, " ").replaceAll("_", " "));
  return allIntents.filter((intent) => intentWords[intent].some((word) => words.includes(word)));
}

function countUnused(mentioned: readonly string[], used: Vocabulary): number {
  return mentioned.filter((mention) => !used.knows(mention)).length;
}

function intentsIn(request: string): Intent[] {
  return allIntents.filter((intent) => requestVerbs[intent].test(request));
}

function countParts(request: string): number {
  const numbered = new Set(
    [...request.matchAll(/(?:^|\s)(\d{1,2})[.)]\s+\p{L}/gu)].map((m) => m[1]),
  );
  return Math.max(1, numbered.size);
}

const allIntents = Object.keys(intentWords).filter((key): key is Intent => key in intentWords);
