import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { CONCERNS, OTHERS } from "../support/packages.ts";
import { root } from "../support/source-examples.ts";

const folders = [...new Set(CONCERNS.map(({ folder }) => folder)), ...OTHERS];

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly "@evenkeel/source": string }>>;
}

// A name that appears, or goes, is a decision: `vitest -u` writes it down.
describe.each(folders)("packages/%s", (folder) => {
  test("exports the names it is known for", async () => {
    const home = join(root, "packages", folder);
    const { exports } = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as Manifest;
    const doors = await Promise.all(
      Object.entries(exports).map(async ([door, target]) => {
        if (typeof target === "string") return [];
        const names = await namesOf(join(home, target["@evenkeel/source"]));
        return [door, ...[...names].toSorted().map((name) => `  ${name}`)];
      }),
    );
    await expect(`${doors.flat().join("\n")}\n`).toMatchFileSnapshot(`exports/${folder}.txt`);
  });
});

const LIST = /^export (type )?\{([^}]*)\}/gmu;
const STAR = /^export \* from "([^"]+)"/gmu;
const SPACE = /^export \* as (\w+)/gmu;
const OWN =
  /^export (?:declare )?(?:async )?(?:abstract )?(const|class|function|interface|type) (\w+)/gmu;

/** The names a module exports, types marked as such; what it passes on as a whole is followed. */
async function namesOf(file: string): Promise<Set<string>> {
  const text = await readFile(file, "utf8");
  const names = new Set<string>();
  for (const [, type = "", list = ""] of text.matchAll(LIST)) {
    for (const part of list.split(",").map((one) => one.trim())) {
      const [before = "", after = before] = part.replace(/^type /, "").split(" as ");
      const typed = type !== "" || part.startsWith("type ");
      if (before !== "") names.add(typed ? `type ${after}` : after);
    }
  }
  for (const [, kind = "", name = ""] of text.matchAll(OWN)) {
    names.add(["interface", "type"].includes(kind) ? `type ${name}` : name);
  }
  for (const [, name = ""] of text.matchAll(SPACE)) names.add(name);
  for (const [, from = ""] of text.matchAll(STAR)) {
    for (const name of await namesOf(join(dirname(file), from))) names.add(name);
  }
  return names;
}
