/** The key in `additional_kwargs` of a tool's message under which its mark travels. */
const MARK_KEY = "evenkeel_result";

/** What a message says of the result it stands for, or reads from. */
export interface OffloadMark {
  /** Version of this shape. */
  readonly v: 1;
  /** Null where the store failed and the message holds all that is left. */
  readonly handle: string | null;
  /** Bytes of the whole result. */
  readonly bytes: number;
  /** True for an answer of a reading tool. */
  readonly reading?: boolean | undefined;
}

/** The handle and size that a message's `additional_kwargs` carry where its result lies in a store. */
export function offloadMarkOf(message: {
  readonly additional_kwargs?: Readonly<Record<string, unknown>>;
}): OffloadMark | undefined {
  const mark = message.additional_kwargs?.[MARK_KEY] as Partial<OffloadMark> | undefined;
  return mark?.v === 1 && mark.handle !== undefined ? (mark as OffloadMark) : undefined;
}

/** Entries for `additional_kwargs` that mark a message. */
export function withMark(mark: OffloadMark): Readonly<Record<string, unknown>> {
  return { [MARK_KEY]: mark };
}
