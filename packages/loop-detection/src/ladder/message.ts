import type { LoopFinding, LoopKind } from "../detectors/finding.ts";

/** What a message is about, for who wants to say it in words of their own. */
export interface LoopNotice {
  /** What is about to be done: tell the model, answer a call in the tool's place, end the run. */
  readonly action: "steer" | "block" | "stop";
  readonly kind: LoopKind;
  /** How often, in the pattern's own unit: calls, laps, failures, turns. */
  readonly count: number;
  readonly tools: readonly string[];
  /** What would be said. */
  readonly text: string;
}

/** What a steering text may draw on besides the finding. */
interface MessageContext {
  /** The tools that exist, for the loop of calling one that does not. */
  toolNames?: readonly string[];
  /** The next equal call is answered instead of made. @default false */
  blocks?: boolean;
}

const maxToolNames = 30;
const blockWarning = "The same call will not be executed again: it gets the result it had before.";

/**
 * Tells the model what it repeated, how often and with what result, and to reconsider. What came
 * from tools or arguments is quoted as a JSON string, so that it reads as data and cannot end the
 * quotation.
 */
export function steeringText(finding: LoopFinding, context: MessageContext = {}): string {
  const blocks = context.blocks === true ? [blockWarning] : [];
  return [describe(finding, context), ...quote(finding), advice(finding), ...blocks].join("\n");
}

/** Says why a blocked call was not executed. */
export function blockedText(finding: LoopFinding): string {
  return `Not executed. ${describe(finding, {})} What it returned before stands below. ${advice(finding)}`;
}

/** Says in one sentence what a run was doing when it was stopped. */
export function stoppedText(finding: LoopFinding): string {
  return `The run was stopped because it was looping. ${describe(finding, {})}`;
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
