import { EndpointError } from "./endpoint-error.ts";
import type { Exchange } from "./loopback-server.ts";

/** A request that met a route. */
export interface RouteCall {
  /** What stood in the places of `:name` in the pattern. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The body as JSON; `undefined` where it is not JSON. */
  readonly body: unknown;
  readonly exchange: Exchange;
}

/** What a route answers. */
export interface RouteAnswer {
  /** @default 200 */
  status?: number;
  body: unknown;
}

/** A method with a path pattern such as `GET /runs/:id`, and what answers it. */
export type Route = readonly [pattern: string, handler: (call: RouteCall) => RouteAnswer];

/** Finds the route of a request and asks it; the first that fits wins. */
export function createRouter(
  routes: readonly Route[],
): (exchange: Exchange, path: string, body: unknown) => RouteAnswer {
  const compiled = routes.map(([pattern, handler]) => {
    const [method = "", path = ""] = pattern.split(" ");
    return { method, segments: path.split("/"), handler };
  });
  return (exchange, path, body) => {
    const segments = path.split("/").map((segment) => decodeURIComponent(segment));
    for (const route of compiled) {
      if (route.method !== exchange.method) continue;
      const parameters = match(route.segments, segments);
      if (parameters === undefined) continue;
      return route.handler({ parameters, query: exchange.query, body, exchange });
    }
    throw notFound(`${exchange.method} ${path} is not served here`);
  };
}

function match(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (part.startsWith(":")) parameters[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return parameters;
}

/** The error of asking for what is not there. */
export function notFound(message: string): EndpointError {
  return new EndpointError("not-found", message, { status: 404 });
}
