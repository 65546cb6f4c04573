import type { LoopContext } from "../options.ts";
import type { FoundTurn } from "../turns/unread-turns.ts";
import type { Conversation, OpenConversation, Standpoint } from "./conversation.ts";

/**
 * What was read since a conversation was saved. Losing it costs a second reading and nothing else:
 * it counts only where the list still says the same on top of the same save.
 */
interface ReadAhead {
  readonly from: Standpoint;
  /** Names the save it goes on from. */
  readonly save: string;
  /** The turns read since, oldest first. */
  readonly turns: readonly string[];
  readonly conversation: Conversation;
}

const MEMORY = "read-ahead";

/** Conversations of one run that are held at once. */
const mostHeld = 32;

/** Goes on where this process stopped reading, if the list shows that nothing was taken back since. */
export function readAhead(open: OpenConversation, context: LoopContext): OpenConversation {
  const { from, saved, unread, met } = open;
  const save = nameOfSave(saved);
  const names = unread.map(({ key }) => key);
  const held = heldIn(context).filter((one) => one.save === save && sees(from, one.from));
  const [same] = held
    .filter(({ turns }) => turns.every((turn, at) => turn === names[at]))
    .toSorted((one, other) => other.turns.length - one.turns.length);
  if (same !== undefined) return goOn(open, same, unread.slice(same.turns.length), open.intact);
  for (const one of held) {
    const newest = names.lastIndexOf(one.turns.at(-1) ?? "");
    if (newest !== -1) return goOn(open, one, unread.slice(newest + 1), false);
    // An attempt that began again may stand before all of it.
    const replaced = met === undefined && names.length > 0 && one.from.attempt === from.attempt;
    if (!replaced || one.turns.some((turn) => names.includes(turn))) continue;
    // Without ids every turn of a shortened list has another name: only the newest is surely new.
    const rest = unread.some(({ placed }) => placed) ? unread.slice(-1) : unread;
    return goOn(open, one, rest, false);
  }
  return open;
}

/** Remembers how far a conversation was read, for the calls of this run that come next. */
export function rememberReading(
  { from, saved, ahead, unread }: OpenConversation,
  conversation: Conversation,
  context: LoopContext,
): void {
  // Native createAgent remembers beyond a run, over branches of a thread: there all is saved.
  if (context.native) return;
  const turns = [...ahead, ...unread.map(({ key }) => key)];
  const others = heldIn(context).filter((one) => !sees(from, one.from));
  const held: ReadAhead = { from, save: nameOfSave(saved), turns, conversation };
  context.memory.set(MEMORY, [...others.slice(1 - mostHeld), held]);
}

function goOn(
  open: OpenConversation,
  { turns, conversation }: ReadAhead,
  unread: FoundTurn[],
  intact: boolean,
): OpenConversation {
  return { ...open, known: conversation, ahead: turns, unread, intact };
}

function heldIn({ memory }: LoopContext): readonly ReadAhead[] {
  return (memory.get(MEMORY) as readonly ReadAhead[] | undefined) ?? [];
}

/** As of a state's channels: a task sees its own writes at once, those of its siblings a step later. */
function sees(from: Standpoint, other: Standpoint): boolean {
  if (from.site !== other.site || from.place !== other.place) return false;
  return from.task === other.task || (from.step !== undefined && from.step !== other.step);
}

function nameOfSave(saved: Conversation | undefined): string {
  if (saved === undefined) return "none";
  return JSON.stringify([saved.loop.turn, saved.calls, saved.action, saved.seen.at(-1)]);
}
