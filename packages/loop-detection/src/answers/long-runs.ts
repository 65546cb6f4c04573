/** Which long runs of hexadecimal digits a text holds: what ids, hashes and epoch times are made of. */
export interface LongRuns {
  /** Eight before a hyphen. */
  readonly uuid: boolean;
  /** Ten decimal ones. */
  readonly epoch: boolean;
  /** Twelve, of which at least one is decimal and one is not. */
  readonly hash: boolean;
}

const shortest = 8;
const HYPHEN = 0x2d;

const NONE: LongRuns = { uuid: false, epoch: false, hash: false };

/**
 * Looks for runs of eight and more. Every eighth character is enough to meet each of them, so this
 * reads a fraction of a text, where the masks for what such runs are would read it three times.
 */
export function longRuns(text: string): LongRuns {
  let found = NONE;
  for (let index = shortest - 1; index < text.length; index += shortest) {
    if (!isHex(text.charCodeAt(index))) continue;
    let start = index;
    while (start > 0 && isHex(text.charCodeAt(start - 1))) start -= 1;
    let end = index + 1;
    while (end < text.length && isHex(text.charCodeAt(end))) end += 1;
    if (end - start >= shortest) found = withRun(found, text, start, end);
    // The next place that is looked at lies beyond the run.
    if (end > index + shortest) index += shortest * Math.floor((end - index - 1) / shortest);
  }
  return found;
}

function withRun(
  { uuid, epoch, hash }: LongRuns,
  text: string,
  start: number,
  end: number,
): LongRuns {
  let decimals = 0;
  let inARow = 0;
  let longest = 0;
  for (let index = start; index < end; index += 1) {
    const decimal = text.charCodeAt(index) <= 0x39;
    decimals += decimal ? 1 : 0;
    inARow = decimal ? inARow + 1 : 0;
    longest = Math.max(longest, inARow);
  }
  const length = end - start;
  return {
    uuid: uuid || text.charCodeAt(end) === HYPHEN,
    epoch: epoch || longest >= 10,
    hash: hash || (length >= 12 && decimals > 0 && decimals < length),
  };
}

function isHex(code: number): boolean {
  // Setting a letter's sixth bit makes it a small one.
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
