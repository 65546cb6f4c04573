import { textFacts } from "./text-facts.ts";

/** How a run's final answer looks. */
export interface AnswerShape {
  /** False where the run ended on a tool result, without a reply. */
  given: boolean;
  characters: number;
  /** Asks the user for something instead of answering. */
  asks: boolean;
  /** Says that something was not found or cannot be done. */
  refuses: boolean;
  /** Ends by announcing what will be done next. */
  promises: boolean;
  /** Writes out a tool call as text. */
  callsInText: boolean;
  /** Breaks off: an open code fence, tag or sentence. */
  breaksOff: boolean;
  /** Its provider ended it: at the limit on output tokens, or by a content filter. */
  cutShort: "length" | "filter" | null;
  /** Hashes of the numbers, names and references it contains, at most 96. */
  facts: string[];
}

const asksPattern =
  /\b(?:could|can|would|will) you (?:please |kindly )?(?:\w+ )?(?:provide|specify|confirm|clarify|tell|share|give|check|verify|let me know)\b|\bplease (?:provide|specify|confirm|clarify|tell me|share|give me|check|verify|try)\b|\bplease let me know (?:which|what|how|when|where|who|the|your|whether|if you (?:would|want|have the|wish))|\b(?:would you like|do you want) (?:me )?to\b|\bshall i\b|\bshould i\b|\bi (?:will |would )?need (?:more|additional|further|the following|your|to know)\b/i;
const courtesyPattern =
  /(?:is there )?any(?:thing| ?thing)? else|let me know if (?:you|there)|if you (?:need|have) any|feel free|happy to help|anything more/i;
const refusesPattern =
  /\b(?:i'?m|i am|we are) (?:sorry|unable|not able|afraid)|\bi apologi[sz]e|\bapologies\b|\bunfortunately\b|\b(?:i|we) (?:cannot|can'?t|could not|couldn'?t|am unable|was unable|were unable|do not have|don'?t have|did not find|didn'?t find)\b|\b(?:unable|not possible|impossible|failed) to\b|\bno (?:\w+ ){0,3}(?:was |were |been )?found\b|\b(?:could not|couldn'?t|cannot|can'?t) (?:be )?(?:find|found|locate|access|retrieve|determine|complete)|\b(?:does not|doesn'?t|do not|don'?t|did not|didn'?t) (?:exist|contain|have|provide|include|specify|seem)\b/i;
const promisesPattern =
  /\b(?:i will|i'll|i am going to|i'm going to|i need to|i would need to|i should|let's|let me(?! know)|next,? (?:i|step)|now,? (?:i'll|i will|let))\b/i;
const callPattern =
  /<function[=_ ]|<tool_call|<invoke\b|<\|python_tag\|>|```(?:tool_code|tool_call|json)?\s*\{\s*"(?:name|function|tool|action|tool_name)"|\{\s*"(?:name|function|tool_name|action)"\s*:\s*"[\w.]+"\s*,\s*"(?:parameters|arguments|args|input|tool_input|action_input)"|^\s*Action(?: Input)?:/im;
const scanLimit = 6_000;
const thinkingPattern = /<(thinking|think|reasoning|scratchpad)>[\s\S]*?(?:<\/\1>|$)/gi;

const NO_ANSWER: AnswerShape = {
  given: false,
  characters: 0,
  asks: false,
  refuses: false,
  promises: false,
  callsInText: false,
  breaksOff: false,
  cutShort: null,
  facts: [],
};

/** Reads a final answer's shape; `toolNames` finds calls that were written out instead of made. */
export function answerShape(
  text: string | undefined,
  toolNames: readonly string[] = [],
  cutShort: AnswerShape["cutShort"] = null,
): AnswerShape {
  if (text === undefined) return { ...NO_ANSWER, cutShort };
  const whole = endsOf(text);
  const said = whole.replaceAll(thinkingPattern, "").trim();
  const ending = said.slice(-400);
  const lastSentences = ending
    .split(/(?<=[.!?:])\s+/)
    .slice(-2)
    .join(" ");
  const business = said
    .split(/(?<=[.!?])\s+|\n/)
    .filter((sentence) => !courtesyPattern.test(sentence))
    .join("\n");
  return {
    given: true,
    characters: whole.length < text.length ? text.length : said.length,
    asks: asksPattern.test(business.slice(-800)) || /\?\W*$/.test(business.slice(-200)),
    refuses: refusesPattern.test(business),
    promises: promisesPattern.test(lastSentences) && !courtesyPattern.test(lastSentences),
    callsInText: callPattern.test(whole) || mentionsCall(said, toolNames),
    breaksOff: said !== "" && breaksOff(whole, said),
    cutShort,
    facts: textFacts(said),
  };
}

function endsOf(text: string): string {
  if (text.length <= scanLimit * 2) return text;
  return `${text.slice(0, scanLimit)}\n${text.slice(-scanLimit)}`;
}

function mentionsCall(said: string, toolNames: readonly string[]): boolean {
  return toolNames.some((tool) => tool.length > 3 && said.includes(`${tool}(`));
}

function breaksOff(whole: string, said: string): boolean {
  const fences = said.match(/```/g)?.length ?? 0;
  if (fences % 2 === 1) return true;
  if (/<(thinking|think|reasoning)>(?![\s\S]*<\/\1>)/i.test(whole)) return true;
  return said.length > 60 && /[,:;([{]$|\b(?:and|or|the|a|to|of|with|for|in|is)$/i.test(said);
}
