import {
  type ConnectionFault,
  failConnection,
  pause,
  retryAfterHeaders,
  type StatusFault,
} from "../endpoint/http-fault.ts";
import { type Exchange, sendJson } from "../endpoint/loopback-server.ts";

/** What goes wrong with a request: its status, its connection, or only the time it takes. */
export type LangSmithFault = StatusFault | ConnectionFault | { kind: "slow"; delayMs: number };

/** Which requests a fault meets, and how many of them. */
export interface LangSmithFaultScope {
  /** @default every method */
  method?: string;
  /** Part of the path, or a pattern of it. @default every path */
  path?: string | RegExp;
  /** After so many requests it is over. @default Infinity */
  times?: number;
  /** The request takes effect, only its answer is lost. @default false */
  afterEffect?: boolean;
}

/** A fault that meets a request. */
interface MetFault {
  readonly fault: LangSmithFault;
  readonly afterEffect: boolean;
}

/** The faults of an endpoint that are switched on. */
export interface FaultSwitch {
  /** Switches a fault on; the function switches it off. */
  readonly fail: (fault: LangSmithFault, scope?: LangSmithFaultScope) => () => void;
  /** The first fault that meets a request, one use of it spent. */
  readonly next: (method: string, path: string) => MetFault | undefined;
  readonly clear: () => void;
}

/** Starts with no fault switched on. */
export function createFaultSwitch(): FaultSwitch {
  const active: { fault: LangSmithFault; scope: LangSmithFaultScope; left: number }[] = [];
  return {
    fail: (fault, scope = {}) => {
      const entry = { fault, scope, left: scope.times ?? Infinity };
      active.push(entry);
      return () => {
        entry.left = 0;
      };
    },
    next: (method, path) => {
      const entry = active.find(({ scope, left }) => left > 0 && meets(scope, method, path));
      if (entry === undefined) return undefined;
      entry.left -= 1;
      return { fault: entry.fault, afterEffect: entry.scope.afterEffect ?? false };
    },
    clear: () => {
      active.length = 0;
    },
  };
}

function meets(scope: LangSmithFaultScope, method: string, path: string): boolean {
  if (scope.method !== undefined && scope.method !== method) return false;
  if (scope.path === undefined) return true;
  return typeof scope.path === "string" ? path.includes(scope.path) : path.search(scope.path) >= 0;
}

/** Answers by the fault; `false` where it only took time and the request goes on. */
export async function sendFault(exchange: Exchange, fault: LangSmithFault): Promise<boolean> {
  const { response, signal } = exchange;
  if ("status" in fault) {
    const { status, code = "injected-fault", message = `injected fault ${status}` } = fault;
    sendJson(response, status, { code, detail: message }, retryAfterHeaders(fault));
  } else if (fault.kind === "slow") {
    await pause(fault.delayMs, signal);
    return false;
  } else await failConnection(fault, response, signal);
  return true;
}
