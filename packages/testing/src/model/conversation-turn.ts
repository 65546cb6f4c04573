import { createHash } from "node:crypto";

/** Who said a message, as far as a script cares. */
export type Speaker = "user" | "assistant" | "other";

/**
 * Counts the assistant's messages since the user last spoke: the step of the answer a model is
 * asked for, the same whichever process asks, and however often. Words of a user right behind a
 * tool's answer are none of a user's: middleware tells a model of its last calls there.
 */
export function turnOf<Message>(
  messages: readonly Message[],
  speakerOf: (message: Message) => Speaker,
): number {
  let turn = 0;
  let before: Speaker | undefined;
  for (const message of messages) {
    const speaker = speakerOf(message);
    if (speaker === "user" && before !== "other") turn = 0;
    else if (speaker === "assistant") turn += 1;
    before = speaker;
  }
  return turn;
}

/** Counts how often each text was seen, itself included, without keeping the texts. */
export function createAttemptCounter(): (text: string) => number {
  const seen = new Map<string, number>();
  return (text) => {
    const digest = createHash("sha256").update(text).digest("base64");
    const attempt = (seen.get(digest) ?? 0) + 1;
    seen.set(digest, attempt);
    return attempt;
  };
}
