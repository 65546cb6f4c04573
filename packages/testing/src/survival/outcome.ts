import { differences } from "./comparable.ts";
import { toolOf } from "./tool-runs.ts";

/** What an execution came to, in one process or in two. */
export interface SurvivalOutcome {
  readonly state: unknown;
  /** How often each effect happened. */
  readonly effects: Readonly<Record<string, number>>;
}

const SHOWN = 4;

/** What of an outcome is not as in the uncrashed run, a line each; empty where all is. */
export function faultsOf(expected: SurvivalOutcome, came: SurvivalOutcome): string[] {
  const names = new Set([...Object.keys(expected.effects), ...Object.keys(came.effects)]);
  const effects = [...names].flatMap((name) => {
    const wanted = expected.effects[name] ?? 0;
    const counted = came.effects[name] ?? 0;
    if (wanted === counted) return [];
    return [`${name} happened ${times(counted)}, and ${times(wanted)} without a crash`];
  });
  const state = differences(expected.state, came.state);
  const rest = state.length > SHOWN ? [`… and ${state.length - SHOWN} more differences`] : [];
  return [...effects, ...state.slice(0, SHOWN), ...rest];
}

/** Calls of tools as effects, without those of tools that only look. */
export function effectsOf(
  runs: Readonly<Record<string, number>>,
  readOnly: readonly string[],
): Record<string, number> {
  const kept = Object.entries(runs).filter(([title]) => !readOnly.includes(toolOf(title)));
  return Object.fromEntries(kept);
}

function times(count: number): string {
  if (count === 0) return "not at all";
  return count === 1 ? "once" : `${count} times`;
}
