const maxWords = 200_000;

/** The words a run has seen so far: what the user wrote and what tools returned. */
export interface Vocabulary {
  /** Adds a text's words. */
  add: (text: string) => void;
  /** True when the value, or every word of it, has been seen. */
  knows: (value: string) => boolean;
}

const wordPattern = /[\p{L}\p{N}]+/gu;

/** Starts an empty vocabulary; it stops growing at 200,000 words and then knows everything. */
export function createVocabulary(): Vocabulary {
  const words = new Set<string>();
  return {
    add(text) {
      if (words.size > maxWords) return;
      for (const word of wordsOf(text)) words.add(word);
    },
    knows(value) {
      if (words.size > maxWords) return true;
      return wordsOf(value).every((word) => words.has(word));
    },
  };
}

/** Splits a text into lower-case words and numbers without leading zeros. */
export function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(wordPattern) ?? []).map((word) =>
    word.replace(/^0+(?=\d)/, "").replace(/^(\d+)(?:st|nd|rd|th)$/, "$1"),
  );
}
