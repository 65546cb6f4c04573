import { factOf } from "./fact.ts";

const scanLimit = 16_000;
const fieldPattern = /"([\p{L}_$][\w .$-]{0,40})"\s*:|^[ \t]*([\p{L}][\w -]{1,40}):\s/gmu;

/** Hashes of the field names in a tool's result: keys of JSON, and of lines like `Total: 40`. */
export function resultFields(result: string): string[] {
  const names = [...result.slice(0, scanLimit).matchAll(fieldPattern)].map(
    ([, key, label]) => key ?? label ?? "",
  );
  return [...new Set(names.map((name) => factOf(fieldWords(name).join(" "))))];
}

/** Whether a field as people name it is among the hashes; one letter of plural does not count. */
export function knowsField(fields: readonly string[], name: string): boolean {
  const known = new Set(fields);
  const words = fieldWords(name).join(" ");
  const forms = [words, words.replace(/s$/, ""), `${words}s`];
  return forms.some((form) => form !== "" && known.has(factOf(form)));
}

/** A name's words: `trackingNumber`, `tracking_number` and `Tracking number` are the same. */
export function fieldWords(name: string): string[] {
  const spaced = name.replaceAll(/(?<=[\p{Ll}\d])(?=\p{Lu})/gu, " ").toLowerCase();
  return spaced.match(/[\p{L}\p{N}]+/gu) ?? [];
}
