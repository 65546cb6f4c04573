import type { ChatReply, ChatRequest, ChatScript } from "@evenkeel/testing";

/**
 * The local model, so that the example needs no account. Like a real one it knows only what it is
 * sent: it takes the handles out of the conversation, and its answers out of what the tools answered.
 */
export const scriptedDetective: ChatScript = (request) => {
  const begun = request.messages.findLastIndex(({ role }) => role === "user");
  const asked = textOf(request.messages[begun]);
  const since = request.messages.slice(begun + 1);
  const answers = since.filter(({ role }) => role === "tool").map(textOf);
  const steps = Object.entries(METHODS).find(([word]) => asked.includes(word))?.[1] ?? [];
  const step = steps[answers.length];
  return step === undefined
    ? { content: "I do not know." }
    : step({ answers, handleOf: (tool) => handleOf(request, tool) });
};

interface Seen {
  /** What the tools answered since the question. */
  readonly answers: readonly string[];
  readonly handleOf: (tool: string) => string;
}

type Step = (seen: Seen) => ChatReply;

const LOG = "fetch_gateway_log";
const EXPORT = "export_orders";

const METHODS: Readonly<Record<string, readonly Step[]>> = {
  "payments refused": [
    () => call(LOG),
    ({ handleOf: of }) => search(of(LOG), "ERROR .*refused", 3),
    ({ answers }) => {
      const [, order, reason] = /order=(\S+) refused: (.*?) \(/.exec(answers[1] ?? "") ?? [];
      return { content: `The ${reason}; order ${order} was the first to be refused.` };
    },
  ],
  "rolled out": [
    ({ handleOf: of }) => search(of(LOG), String.raw`\[rollout\]`, 10),
    ({ answers }) => {
      const [[, , versions] = [], [, back = ""] = []] = [
        ...(answers[0] ?? "").matchAll(/^\d+: (\S+) INFO .*?payment-gateway (.*?) by/gm),
      ];
      return { content: `It was ${versions}; it was taken back at ${back.slice(11, 19)}.` };
    },
  ],
  "lose to it": [
    () => call(EXPORT),
    ({ handleOf: of }) =>
      query(
        of(EXPORT),
        '.orders | filter(.status == "failed") | groupBy(.city) | mapValues(map(.total) | sum())',
      ),
    ({ answers }) => {
      const lost = JSON.parse(quoted(answers[1])) as Record<string, number>;
      const cities = Object.entries(lost).toSorted(([one], [other]) => one.localeCompare(other));
      const sums = cities.map(([city, sum]) => `${city} ${sum.toFixed(2)}`);
      return { content: `In euros: ${sums.join(", ")}.` };
    },
  ],
  "worth most": [
    ({ handleOf: of }) =>
      query(
        of(EXPORT),
        '.orders | filter(.status == "failed") | sort(.total, "desc") | limit(1) | pick(.id, .total)',
      ),
    ({ answers }) => {
      const [order] = JSON.parse(quoted(answers[0])) as { id: string; total: number }[];
      return { content: `${order?.id}, with ${order?.total.toFixed(2)} EUR.` };
    },
  ],
};

function call(name: string, args: object = {}): ChatReply {
  return { toolCalls: [{ name, args }] };
}

function search(handle: string, pattern: string, limit: number): ChatReply {
  return call("search_tool_result", { handle, pattern, limit, context: 0 });
}

function query(handle: string, text: string): ChatReply {
  return call("query_tool_result", { handle, query: text });
}

/** The handle of a tool's result, as its message names it. */
function handleOf({ messages }: ChatRequest, tool: string): string {
  const asking = messages.flatMap(({ tool_calls: made = [] }) => made);
  const id = asking.findLast((made) => made.function.name === tool)?.id;
  const answer = messages.find((message) => message.tool_call_id === id);
  return /res_\w+/.exec(textOf(answer))?.[0] ?? "none";
}

/** What stands between the marks of an answer. */
function quoted(answer = ""): string {
  return /\[begin .*?\]\n([^]*)\n\[end /.exec(answer)?.[1] ?? "null";
}

function textOf(message?: ChatRequest["messages"][number]): string {
  return typeof message?.content === "string" ? message.content : "";
}
