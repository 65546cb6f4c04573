import { EndpointError } from "../endpoint/endpoint-error.ts";
import { notFound } from "../endpoint/http-routes.ts";
import type { LangSmithRun } from "./run.ts";

/** Finding a run for a request, and sharing its trace. */
export interface RunAccess {
  readonly existing: (id: string | undefined) => LangSmithRun;
  readonly shareToken: (run: LangSmithRun) => string | undefined;
  /** Shares the run's trace; one that is shared already keeps its token. */
  readonly share: (run: LangSmithRun, wantedToken?: string) => string;
  readonly unshare: (traceId: string) => void;
  readonly clear: () => void;
}

/** Starts with no trace shared. */
export function createRunAccess(options: {
  runById: (id: string) => LangSmithRun | undefined;
  createId: () => string;
}): RunAccess {
  const { runById, createId } = options;
  const tokens = new Map<string, string>();
  return {
    existing: (id) => {
      const run = runById(id ?? "");
      if (run === undefined) throw notFound(`run ${id} does not exist`);
      return run;
    },
    shareToken: (run) => tokens.get(run.trace_id),
    share: ({ trace_id: traceId }, wantedToken) => {
      const token = tokens.get(traceId) ?? wantedToken ?? createId();
      tokens.set(traceId, token);
      return token;
    },
    unshare: (traceId) => {
      tokens.delete(traceId);
    },
    clear: () => tokens.clear(),
  };
}

/** The error of a query that says nothing of where to look. */
export function missingScope(field: string): EndpointError {
  const message = `the query names no runs to look among: "${field}" is missing`;
  return new EndpointError("invalid-request", message, { status: 400 });
}
