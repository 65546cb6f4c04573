import { CoreError } from "../errors.ts";
import { liveRun } from "./live-run.ts";
import type { LiveRunTree } from "./live-run.ts";

/** Where a trace may go, and whose trace it is. */
export interface TraceHeadersOptions {
  /** The URL about to be requested. */
  to: string | URL;
  /** Origins that may learn of the trace, as `https://service.example` or `http://localhost:8080`. */
  allow: readonly (string | URL)[];
  /** The run to continue. @default the run this code executes in */
  runTree?: LiveRunTree;
}

/** The W3C limit of a baggage header; servers refuse longer ones with 431. */
const MAX_BAGGAGE_BYTES = 8_192;

/**
 * Headers that let a service join the current trace: `langsmith-trace`, `baggage` (project, tags
 * and metadata of the run) and W3C `traceparent`. Empty for an origin that is not allowed, and
 * where the run is not traced: never an error of the request. A redirect keeps the headers, so
 * follow redirects of such a request by hand where the service is not yours.
 */
export function traceHeaders({ to, allow, runTree }: TraceHeadersOptions): Record<string, string> {
  const origins = allowedOrigins(allow);
  const target = originOf(to);
  if (target === undefined || !origins.includes(target)) return {};
  const run = runTree ?? liveRun()?.run;
  if (run === undefined) return {};
  return { ...langsmithHeaders(run), ...traceParent(run) };
}

function allowedOrigins(allow: unknown): string[] {
  if (!Array.isArray(allow)) return refuse("a list of origins", allow);
  return allow.map((entry: unknown) => {
    const url = typeof entry === "string" || entry instanceof URL ? parse(entry) : undefined;
    const isOrigin =
      url !== undefined &&
      /^https?:$/.test(url.protocol) &&
      `${url.pathname}${url.search}${url.hash}${url.username}${url.password}` === "/";
    return isOrigin ? url.origin : refuse("an http(s) origin without path or user", entry);
  });
}

function refuse(wanted: string, came: unknown): never {
  const shown = typeof came === "string" ? JSON.stringify(came.slice(0, 200)) : `a ${typeof came}`;
  throw new CoreError({
    code: "invalid-options",
    message: `traceHeaders: "allow" takes ${wanted}, such as ["https://service.example"]; ${shown} came.`,
    details: { option: "allow" },
  });
}

/** Only http(s) has an origin worth comparing; `file:` and `data:` all share the origin "null". */
function originOf(to: string | URL): string | undefined {
  const url = parse(to);
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.origin : undefined;
}

function parse(url: string | URL): URL | undefined {
  return URL.canParse(String(url)) ? new URL(url) : undefined;
}

function langsmithHeaders(run: LiveRunTree): Record<string, string> {
  const { "langsmith-trace": trace, baggage = "" } = run.toHeaders?.() ?? {};
  // fetch refuses a header with other characters, and then the request would fail over its trace.
  if (trace === undefined || !/^[\w.-]+$/.test(trace)) return {};
  const fitting = Buffer.byteLength(baggage) <= MAX_BAGGAGE_BYTES ? baggage : slim(baggage);
  return { "langsmith-trace": trace, ...(fitting === "" ? {} : { baggage: fitting }) };
}

/** Of a baggage that is too long, the project alone: it decides where the service's runs appear. */
function slim(baggage: string): string {
  return baggage
    .split(",")
    .filter((item) => item.startsWith("langsmith-project=") && item.length <= MAX_BAGGAGE_BYTES)
    .join(",");
}

/** A LangSmith id is a UUID: its 32 hex digits are a trace id, the random half of a run id a span id. */
function traceParent(run: LiveRunTree): Record<string, string> {
  const trace = (run.trace_id ?? run.id).replaceAll("-", "").toLowerCase();
  const span = run.id.replaceAll("-", "").toLowerCase().slice(-16);
  return isId(trace, 32) && isId(span, 16) ? { traceparent: `00-${trace}-${span}-01` } : {};
}

function isId(hex: string, digits: number): boolean {
  return hex.length === digits && /^[0-9a-f]*[1-9a-f][0-9a-f]*$/.test(hex);
}
