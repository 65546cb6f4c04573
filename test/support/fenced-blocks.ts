/** One fenced block of a Markdown file. */
export interface FencedBlock {
  /** What stands after the opening fence; empty for plain text. */
  readonly language: string;
  readonly code: string;
  /** 1-based number of its first line. */
  readonly line: number;
  /** The text between this block and the one before it. */
  readonly before: string;
}

/** Reads the fenced blocks of a Markdown text. */
export function fencedBlocks(markdown: string): FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let before: string[] = [];
  let open: { language: string; line: number; code: string[] } | undefined;
  for (const [index, text] of markdown.split("\n").entries()) {
    const fence = /^\s*```(.*)$/u.exec(text);
    if (open === undefined && fence === null) before.push(text);
    else if (open === undefined)
      open = { language: fence?.[1]?.trim() ?? "", line: index + 2, code: [] };
    else if (fence === null) open.code.push(text);
    else {
      const { code, ...rest } = open;
      blocks.push({ ...rest, code: code.join("\n"), before: before.join("\n") });
      [open, before] = [undefined, []];
    }
  }
  return blocks;
}
