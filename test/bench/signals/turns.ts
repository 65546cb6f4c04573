import type { CorpusRun } from "./corpus.ts";

/** A tool call of a recorded run with the answer it got. */
export interface RecordedCall {
  id: string;
  tool: string;
  arguments: Record<string, unknown>;
  result?: string;
  failed?: boolean;
  /** Index of the message that made the call. */
  message: number;
}

/** One assistant message with its calls. */
export interface RecordedTurn {
  text: string;
  calls: RecordedCall[];
  message: number;
}

/** Reads a recorded run as turns: an assistant message and the answers to its calls. */
export function turnsOf(run: CorpusRun): RecordedTurn[] {
  const byId = new Map<string, RecordedCall>();
  const turns: RecordedTurn[] = [];
  for (const [index, message] of run.messages.entries()) {
    if (message.role === "assistant") {
      const calls = (message.tool_calls ?? []).map((call) => ({
        id: call.id,
        tool: call.name,
        arguments: call.args,
        message: index,
      }));
      for (const call of calls) byId.set(call.id, call);
      turns.push({ text: message.content, calls, message: index });
    }
    const call = message.role === "tool" ? byId.get(message.tool_call_id ?? "") : undefined;
    if (call !== undefined) {
      call.result = message.content;
      call.failed = message.error ?? false;
    }
  }
  return turns;
}
