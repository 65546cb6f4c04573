import type { LoopFinding } from "../detectors/finding.ts";

/** What a steering text may draw on besides the finding. */
export interface MessageContext {
  /** The tools that exist, for the loop of calling one that does not. */
  toolNames?: readonly string[];
}

const maxToolNames = 30;

/**
 * Tells the model what it repeated, how often and with what result, and to reconsider. What came
 * from tools or arguments is quoted as a JSON string, so that it reads as data and cannot end the
 * quotation.
 */
export function steeringText(finding: LoopFinding, context: MessageContext = {}): string {
  return [describe(finding, context), ...quote(finding), advice(finding)].join("\n");
}

/** Answers a blocked call: why it was not executed, and what it returned before. */
export function blockedText(finding: LoopFinding, earlierResult: string): string {
  return [
    `Not executed. ${describe(finding, {})}`,
    "This is the result it had before, unchanged:",
    earlierResult,
  ].join("\n");
}

/** Asks for an answer with what there is, where a loop ends the run. */
export function finalAnswerText(finding: LoopFinding): string {
  return [
    describe(finding, {}),
    "No more tool calls are possible in this run. Answer now from what you have.",
    "Say plainly what you could not find out or do.",
  ].join("\n");
}

function describe(finding: LoopFinding, { toolNames = [] }: MessageContext): string {
  const tools = finding.tools.map((tool) => JSON.stringify(tool)).join(", ");
  const { count } = finding;
  switch (finding.kind) {
    case "same-call-same-result":
      return `You called ${tools} ${count} times with the same arguments and got the same result every time.`;
    case "same-call-same-error":
      return `You called ${tools} ${count} times with the same arguments and it failed the same way every time.`;
    case "waiting":
      return `You asked ${tools} ${count} times whether the work is done, and nothing has changed.`;
    case "same-error":
      return `The last ${count} calls of ${tools} all failed with the same kind of error, whatever the arguments were.`;
    case "cycle":
      return `You are going round in circles: the same calls of ${tools} with the same results, ${count} times over.`;
    case "unknown-tool":
      return `You asked for tools that do not exist in ${count} turns in a row: ${tools}.${existing(toolNames)}`;
    case "repeated-text":
      return `You gave the same reply ${count} times in a row without calling a tool.`;
    case "no-news":
      return `The last ${count} turns brought no result you did not already have (${tools}).`;
    default:
      return finding.kind satisfies never;
  }
}

function existing(toolNames: readonly string[]): string {
  if (toolNames.length === 0) return "";
  const names = toolNames.slice(0, maxToolNames).map((name) => JSON.stringify(name));
  const more =
    toolNames.length > maxToolNames ? ` and ${toolNames.length - maxToolNames} more` : "";
  return ` The tools that exist: ${names.join(", ")}${more}.`;
}

function quote({ evidence }: LoopFinding): string[] {
  const lines: string[] = [];
  if (evidence.arguments !== "") {
    lines.push(`Arguments (quoted data): ${JSON.stringify(evidence.arguments)}`);
  }
  if (evidence.answer !== "")
    lines.push(`Result (quoted data): ${JSON.stringify(evidence.answer)}`);
  return lines;
}

function advice(finding: LoopFinding): string {
  const first =
    finding.kind === "waiting"
      ? "Asking again right away will not speed it up."
      : "Doing it again will not change that.";
  return `${first} Reconsider your approach: state what you still need, then use another tool or other arguments, or answer with what you have and say what is missing.`;
}
