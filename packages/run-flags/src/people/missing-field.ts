import type { RunReport } from "../run-report.ts";
import { fieldWords, knowsField } from "../shape/result-fields.ts";

/** What a person missed in an answer, and the tool that should have given it. */
export interface MissingField {
  /** In the words of the person, without articles. */
  field: string;
  /** The tool it was expected of; null where the run does not tell. */
  tool: string | null;
  /** True where no tool of the run returned such a field: the tool lacks it, not the answer. */
  lacking: boolean;
}

const lead = String.raw`(?:(?:the|a|an|any|my|our|its|their)\s+)*`;
const thing = String.raw`([\p{L}\p{N}][\p{L}\p{N} _'’-]{0,80})`;
const patterns = [
  String.raw`(?:did\s*n[o'’]?t|did not|does\s*n[o'’]?t|does not|do\s*n[o'’]?t|never|fail(?:s|ed) to|forgot to|omits? to)\s+(?:includ|mention|show|giv|list|contain|return|provid|tell|told|say|said|report|have|had)\w*(?: me| us)?\s+${lead}${thing}`,
  String.raw`(?:forgot|omit(?:s|ted)|left out|leaves out|lacks|lacked|is missing|was missing|missing)\s+${lead}${thing}`,
  String.raw`${lead}${thing}\s+(?:is|was|are|were)\s+(?:missing|not (?:included|mentioned|shown|there|listed|given)|left out|omitted)`,
  String.raw`\b(?:no|without)\s+${lead}${thing}`,
].map((pattern) => new RegExp(pattern, "iu"));
/** Where the name of the thing ends and the sentence goes on. */
const ending =
  /\s+(?:of|for|in|from|on|to|at|when|which|that|although|though|but|and|because|even|as|again|anywhere|this|yet|so)\b.*$/iu;
const leading = /^(?:the|a|an|any|my|our|its|their)\s+/iu;
const commentLimit = 1_000;

/** Reads from a comment like "the agent didn't include the tracking number" what was missed. */
export function missingField(comment: string): string | undefined {
  const text = comment.slice(0, commentLimit).replaceAll(/\s+/g, " ");
  for (const pattern of patterns) {
    const found = pattern.exec(text)?.[1]?.replace(leading, "").replace(ending, "").trim();
    if (found !== undefined && found !== "" && fieldWords(found).length <= 6) return found;
  }
  return undefined;
}

/**
 * Names the tool that should have given a field. The comment may name it; else it is the only tool
 * that answered, or the only one whose name shares a word with what was missed. It never guesses
 * between two.
 */
export function placeMissing(
  field: string,
  comment: string,
  { tools }: Pick<RunReport, "tools">,
): MissingField {
  const answered = Object.entries(tools).filter(([, { calls, failed }]) => calls > failed);
  const lacking = !answered.some(([, { fields }]) => knowsField(fields, field));
  const names = answered.map(([name]) => name);
  const said = ` ${fieldWords(comment).join(" ")} `;
  const named = names.filter((name) => said.includes(` ${fieldWords(name).join(" ")} `));
  const words = new Set(fieldWords(comment));
  const related = names.filter((name) => fieldWords(name).some((word) => words.has(word)));
  const [tool = null] = [named, names, related].find((some) => some.length === 1) ?? [];
  return { field, tool, lacking };
}
