import { parseArgs } from "node:util";

/** The command line of a bench that only takes pairs; undefined, and said why, where it says nothing. */
export function pairsOptions(
  args: readonly string[],
  usual: number,
): { pairs: number; json: boolean } | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: "string", default: String(usual) },
      json: { type: "boolean", default: false },
    },
  });
  const pairs = Number(values.pairs);
  if (Number.isInteger(pairs) && pairs >= 1) return { pairs, json: values.json };
  console.error(`--pairs must be a whole number of at least 1, not ${values.pairs}.`);
  return undefined;
}
