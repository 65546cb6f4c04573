import type { ChatReply, ChatRequest } from "@evenkeel/testing";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { z } from "zod";

/** What a scripted model sees: the failure context as it came over the wire, else an empty text. */
export interface Seen {
  readonly context: string;
  /** Results of tools in the conversation, by the name of the tool. */
  readonly results: ReadonlyMap<string, string>;
}

/** A task of which the first idea fails, and the kind of model that is given it. */
export interface Task {
  readonly name: string;
  /** What the model goes by. */
  readonly model: string;
  readonly user: string;
  readonly tools: () => StructuredToolInterface[];
  /** The next step of the scripted model. */
  readonly think: (seen: Seen) => ChatReply;
}

const call = (name: string, args: unknown): ChatReply => ({ toolCalls: [{ name, args }] });
const done = (text: string): ChatReply => ({ content: `DONE: ${text}` });

/** What a failed attempt did, as the calls in its context are written. */
const wasTried = ({ context }: Seen, name: string, args: unknown): boolean =>
  context.includes(`${name} ${JSON.stringify(args)}`);

/** Needs the error: what to do instead stands in its message alone. */
const reserve: Task = {
  name: "reserve a table",
  model: "needs the error",
  user: "Reserve a table for two tonight, around 19:00. Use the time you prefer. Begin your last message with DONE:",
  tools: () => [
    tool(
      ({ time }) => {
        if (time === "20:30") return "reserved for 20:30";
        throw new Error(`no table at ${time}: the kitchen takes guests at 20:30 only`);
      },
      {
        name: "reserve",
        description: "Reserves a table.",
        schema: z.object({ time: z.string().describe("HH:MM") }),
      },
    ),
  ],
  think: (seen) => {
    const booked = seen.results.get("reserve");
    if (booked !== undefined) return done(booked);
    const told = /guests at (\d\d:\d\d) only/.exec(seen.context)?.[1];
    return call("reserve", { time: told ?? "19:00" });
  },
};

/** Needs the call sequence: the error is the same whichever way is tried. */
const warehouses: Task = {
  name: "find a warehouse",
  model: "needs the sequence",
  user: "Order one kettle from a warehouse that has it: north, south or east. Begin your last message with DONE:",
  tools: () => [
    tool(
      ({ warehouse }) => {
        if (warehouse === "east") return "ordered from east";
        throw new Error("the order was not accepted");
      },
      {
        name: "order",
        description: "Orders one kettle from a warehouse.",
        schema: z.object({ warehouse: z.enum(["north", "south", "east"]) }),
      },
    ),
  ],
  think: (seen) => {
    const ordered = seen.results.get("order");
    if (ordered !== undefined) return done(ordered);
    const tried = (warehouse: string): boolean =>
      wasTried(seen, "order", { warehouse }) ||
      new RegExp(`order .*${warehouse}`).test(seen.context);
    return call("order", {
      warehouse: ["north", "south", "east"].find((one) => !tried(one)) ?? "north",
    });
  },
};

const HITS = Array.from({ length: 16 }, (_, index) => ({
  id: `doc-${index + 1}`,
  summary: `Minutes of meeting ${index + 1}. ${"The board spoke of many things. ".repeat(4)}`,
  open: index >= 4,
}));

/** Needs the results in the sequence: the search is answered once, and its first hits are locked. */
const archive: Task = {
  name: "open a document",
  model: "needs the results",
  user: "Search the archive once, then open one document that is open to you. Begin your last message with DONE:",
  tools: () => {
    let searches = 0;
    return [
      tool(
        () => {
          searches += 1;
          // Fatal, as where a quota is spent: the results are known from the failed attempt alone.
          if (searches > 1) throw new Error("the archive answers one search a day");
          return JSON.stringify(HITS);
        },
        { name: "search", description: "Searches the archive.", schema: z.object({}) },
      ),
      tool(
        ({ id }) => {
          const hit = HITS.find((one) => one.id === id);
          if (hit?.open === true) return `opened ${id}`;
          throw new Error("this document cannot be opened");
        },
        { name: "open", description: "Opens a document.", schema: z.object({ id: z.string() }) },
      ),
    ];
  },
  think: (seen) => {
    const opened = seen.results.get("open");
    if (opened !== undefined) return done(opened);
    const known = [...seen.context.matchAll(/doc-(\d+)\\?"[^{}]*?\\?"open\\?":true/g)].map(
      ([, id]) => `doc-${id}`,
    );
    const [first] = known;
    if (first !== undefined) return call("open", { id: first });
    if (seen.results.has("search")) return call("open", { id: "doc-1" });
    return call("search", {});
  },
};

/** Avoids whatever it reads about: a tool that is spoken of outside the quotation, a call inside it. */
const pages: Task = {
  name: "fetch a page",
  model: "avoids what it reads of",
  user: "Fetch the price list: it is on page 1, 2 or 3 of the catalogue, or in the cached copy of last year. Prefer a page. Begin your last message with DONE:",
  tools: () => [
    tool(
      ({ page }) => {
        if (page === 2) return "page 2: the price list";
        throw new Error(`page ${page} is broken`);
      },
      {
        name: "fetch_page",
        description: "Fetches a page of the catalogue.",
        schema: z.object({ page: z.number() }),
      },
    ),
    tool(() => "the price list of last year", {
      name: "read_cache",
      description: "Reads last year's copy.",
      schema: z.object({}),
    }),
  ],
  think: (seen) => {
    const fetched = seen.results.get("fetch_page") ?? seen.results.get("read_cache");
    if (fetched !== undefined) return done(fetched);
    const said = seen.context.replaceAll(/\[begin [^\]]*\][\s\S]*?\[end [^\]]*\]/g, "");
    const scared =
      /fetch_page|similar (?:calls|approaches) will fail|pages? (?:are|is) broken/.test(said);
    const fresh = [1, 2, 3].find((page) => !wasTried(seen, "fetch_page", { page }));
    return scared || fresh === undefined
      ? call("read_cache", {})
      : call("fetch_page", { page: fresh });
  },
};

/** The tasks of the suite. */
export const TASKS: readonly Task[] = [reserve, warehouses, archive, pages];

/** What a task came to: done, and for the last one in the way its user prefers. */
export function succeeded({ name }: Task, text: string): boolean {
  return text.startsWith("DONE") && !(name === pages.name && text.includes("last year"));
}

/** What a request shows a model: its failure context is the last thing said, behind the conversation. */
export function seenIn(request: ChatRequest): Seen {
  const text = (content: unknown): string =>
    typeof content === "string" ? content : JSON.stringify(content ?? "");
  const names = new Map(
    request.messages.flatMap((message) =>
      (message.tool_calls ?? []).map((one) => [one.id, one.function.name] as const),
    ),
  );
  const results = request.messages.flatMap((message) =>
    message.role === "tool"
      ? [[names.get(message.tool_call_id ?? "") ?? "", text(message.content)] as const]
      : [],
  );
  const users = request.messages.filter(({ role }) => role === "user");
  const context = users.length > 1 ? text(users.at(-1)?.content) : "";
  return { context, results: new Map(results) };
}
