import { compareTexts } from "./compare-texts.ts";
import type { JsonRecord } from "./json-record.ts";
import type { RunAttachment, RunOperation } from "./operations.ts";
import { type LangSmithRun, type RunUsage, runOfFields } from "./run.ts";

/** The runs that were ingested. */
export interface RunStore {
  /** All runs, in the order their traces and steps began. */
  readonly all: () => readonly LangSmithRun[];
  readonly get: (id: string) => LangSmithRun | undefined;
  /** Merges what a client said about a run into what is known of it. */
  readonly apply: (operation: RunOperation) => void;
  readonly clear: () => void;
}

interface Entry {
  sessionId: string;
  readonly attachments: Record<string, RunAttachment>;
  posted: JsonRecord;
  patched: JsonRecord;
}

/** Starts an empty store; `sessionOf` names the project that a run's fields put it in. */
export function createRunStore(sessionOf: (fields: JsonRecord) => string): RunStore {
  const entries = new Map<string, Entry>();
  let merged: Map<string, LangSmithRun> | undefined;

  function current(): Map<string, LangSmithRun> {
    merged ??= mergeAll(entries);
    return merged;
  }

  return {
    all: () => [...current().values()],
    get: (id) => current().get(id),
    apply: ({ kind, id, fields, attachments }) => {
      const entry = entries.get(id) ?? {
        sessionId: sessionOf(fields),
        attachments: {},
        posted: {},
        patched: {},
      };
      entries.set(id, entry);
      if ("session_id" in fields || "session_name" in fields) entry.sessionId = sessionOf(fields);
      // A post that overtakes its patch on the wire must not undo what the patch said.
      if (kind === "post") entry.posted = { ...entry.posted, ...given(fields) };
      else entry.patched = { ...entry.patched, ...given(fields) };
      Object.assign(entry.attachments, attachments);
      merged = undefined;
    },
    clear: () => {
      entries.clear();
      merged = undefined;
    },
  };
}

function given(fields: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function mergeAll(entries: ReadonlyMap<string, Entry>): Map<string, LangSmithRun> {
  const runs = [...entries].map(([id, { sessionId, posted, patched, attachments }]) =>
    runOfFields(id, sessionId, { ...posted, ...patched }, attachments),
  );
  runs.sort((a, b) => compareTexts(a.dotted_order, b.dotted_order));
  return new Map(withUsageBelow(runs).map((run) => [run.id, run]));
}

/** Gives every run that is no model call the tokens of the runs below it. */
function withUsageBelow(runs: readonly LangSmithRun[]): LangSmithRun[] {
  const sums = new Map<string, RunUsage>();
  // A run's dotted order begins with its parent's: backwards, children come before parents.
  const summed = runs.toReversed().map((run) => {
    const below = sums.get(run.id);
    const usage = below === undefined || run.run_type === "llm" ? run : { ...run, ...below };
    const parent = run.parent_run_id;
    if (parent !== undefined) sums.set(parent, addUsage(sums.get(parent), usage));
    return usage;
  });
  return summed.toReversed();
}

function addUsage(sum: RunUsage | undefined, usage: RunUsage): RunUsage {
  return {
    prompt_tokens: (sum?.prompt_tokens ?? 0) + usage.prompt_tokens,
    completion_tokens: (sum?.completion_tokens ?? 0) + usage.completion_tokens,
    total_tokens: (sum?.total_tokens ?? 0) + usage.total_tokens,
    total_cost: (sum?.total_cost ?? 0) + usage.total_cost,
  };
}
