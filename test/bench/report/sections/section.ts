import type { Plot } from "../plots.ts";

/** How one bench stands on the page. */
export interface Section {
  readonly title: string;
  /** Paragraphs and tables, in Markdown. */
  readonly blocks: readonly string[];
  readonly plots: readonly Plot[];
}
