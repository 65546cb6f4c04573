import type { Account } from "./account.ts";
import type { Use } from "./limits.ts";

/** One call of a tool as it begins. */
interface BegunCall {
  readonly id: string;
  readonly name: string;
  /** The task it is made in. */
  readonly task: string;
}

/**
 * Tool calls that a model asked for and that are counted from then on: what is counted is durable
 * by the time the tool begins, so a tool that takes the process down with it was paid for.
 */
export interface AnnouncedCalls {
  /** Counts the calls of an answer as far as the limits allow, in the order they were asked for. */
  announce(site: string, calls: readonly { id: string; name: string }[]): void;
  /** Takes back what a call site asked for and nobody has begun. */
  forget(site: string): void;
  /** The same for every call site. */
  forgetAll(): void;
  /** A call begins: the limit that stands against it, where it is not counted yet and cannot be. */
  begin(call: BegunCall): Use | undefined;
  /** A task has paused: all its calls will be made again when it goes on, and are counted then. */
  paused(task: string): void;
}

/** Tasks whose calls are remembered, in case one of them pauses. */
const TASKS_KEPT = 256;

/** Makes the list of one run in this process. */
export function announcedCalls(account: Account): AnnouncedCalls {
  const waiting = new Map<string, { site: string; name: string }>();
  const begun = new Map<string, string[]>();
  const takeBack = (concerned: (site: string) => boolean): void => {
    for (const [id, { site, name }] of waiting) {
      if (!concerned(site)) continue;
      waiting.delete(id);
      account.returnToolCall(name);
    }
  };
  const remember = (task: string, name: string): void => {
    begun.set(task, [...(begun.get(task) ?? []), name]);
    const oldest = begun.keys().next().value;
    if (begun.size > TASKS_KEPT && oldest !== undefined) begun.delete(oldest);
  };
  return {
    announce(site, calls) {
      for (const { id, name } of calls) {
        if (id === "" || waiting.has(id)) continue;
        if (account.takeToolCall(name) === undefined) waiting.set(id, { site, name });
      }
    },
    forget: (site) => takeBack((other) => other === site),
    forgetAll: () => takeBack(() => true),
    begin({ id, name, task }) {
      const against = waiting.delete(id) ? undefined : account.takeToolCall(name);
      if (against === undefined) remember(task, name);
      return against;
    },
    paused(task) {
      for (const name of begun.get(task) ?? []) account.returnToolCall(name);
      begun.delete(task);
    },
  };
}
