import { AIMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

const SHOWN_LINES = 8;
const SHOWN_CHARS = 150;

/** One answer as a person would follow it: what was called, how the results look, what was said. */
export function transcriptOf(messages: readonly BaseMessage[]): string {
  return messages.flatMap(linesOf).join("\n");
}

function linesOf(message: BaseMessage): string[] {
  if (ToolMessage.isInstance(message)) return shownResult(message.text);
  if (!AIMessage.isInstance(message)) return [`\n> ${message.text}\n`];
  const calls = (message.tool_calls ?? []).map(
    ({ name, args }) => `  ${name} ${JSON.stringify(args)}`,
  );
  return message.text === "" ? calls : [...calls, `\n  ${message.text}`];
}

/** The beginning of a result, for people; the model is sent all of what stands in the message. */
function shownResult(text: string): string[] {
  const lines = text.split("\n").filter((line) => !/^\[(?:begin|end) /.test(line));
  const shown = lines.slice(0, SHOWN_LINES).map((line) => `    ${cut(line)}`);
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `    … ${more} more lines`] : shown;
}

function cut(line: string): string {
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)} …` : line;
}
