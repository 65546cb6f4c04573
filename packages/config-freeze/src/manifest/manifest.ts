import { hashJson } from "@evenkeel/core";
import type { z } from "zod";

import { ConfigFreezeError } from "../errors.ts";
import { runSchema, siteSchema } from "./shape.ts";
import type { RunManifest, SiteManifest } from "./shape.ts";

/** The version of the manifest this release writes, and the newest it reads. */
const MANIFEST_VERSION = 1;

/** A part of the manifest as it is stored: its version, the hash of its body, the body. */
export interface Sealed {
  readonly v: number;
  readonly hash: string;
  readonly body: unknown;
}

/** Parts sealed lately, by their text: most executions of a process begin with the same ones. */
const sealedLately = new Map<string, Sealed>();
const KEPT_PARTS = 50;
const KEPT_CHARACTERS = 100_000;

/** Puts a manifest part under its hash. */
export function seal(body: RunManifest | SiteManifest): Sealed {
  // What undefined means in JSON differs from what it means here: one pass makes the body JSON.
  const text = JSON.stringify(body);
  const known = sealedLately.get(text);
  if (known !== undefined) return known;
  const plain = JSON.parse(text) as unknown;
  const sealed = Object.freeze({ v: MANIFEST_VERSION, hash: hashOf(plain), body: plain });
  if (sealedLately.size >= KEPT_PARTS) sealedLately.clear();
  if (text.length <= KEPT_CHARACTERS) sealedLately.set(text, sealed);
  return sealed;
}

/** Opens the part frozen with the input; a newer, changed or cut one is refused with a code. */
export function openRunManifest(sealed: unknown, hash: string): RunManifest {
  return open(sealed, hash, runSchema, "the run's part");
}

/** Opens the part frozen at a call site; a newer, changed or cut one is refused with a code. */
export function openSiteManifest(sealed: unknown, hash: string, site: string): SiteManifest {
  return open(sealed, hash, siteSchema, `call site "${site}"`);
}

/** The hash an execution is known by: of its run part and of all call sites frozen so far. */
export function manifestHash(run: string, sites: Readonly<Record<string, string>>): string {
  return hashJson({ run, sites });
}

const REMEDY = "Start the input anew, or use upgradeExecution() to freeze today's configuration.";

function open<Part>(
  sealed: unknown,
  expected: string,
  schema: z.ZodType<Part>,
  what: string,
): Part {
  const { v, hash, body } = (sealed ?? {}) as Partial<Sealed>;
  if (typeof v !== "number") {
    throw new ConfigFreezeError({
      code: "manifest-invalid",
      message: `The manifest of ${what} was cut: it has no version. ${REMEDY}`,
    });
  }
  if (v !== MANIFEST_VERSION) {
    throw new ConfigFreezeError({
      code: "manifest-version-unsupported",
      message: `The manifest of ${what} has version ${v}; this release reads version ${MANIFEST_VERSION}. Resume with the release that wrote it, or a later one.`,
      details: { came: v, allowed: [MANIFEST_VERSION] },
    });
  }
  if (hash !== expected || hashOf(body ?? null) !== expected) {
    throw new ConfigFreezeError({
      code: "manifest-tampered",
      message: `The manifest of ${what} does not match its hash: it was changed or cut after it was frozen. ${REMEDY}`,
      details: { expected },
    });
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new ConfigFreezeError({
    code: "manifest-invalid",
    message: `The manifest of ${what} is not one: ${parsed.error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join(".")} ${issue.message}`)
      .join("; ")}. ${REMEDY}`,
    cause: parsed.error,
  });
}

const LONE_SURROGATE = /\p{Surrogate}/u;

// A prompt may hold half a character, cut from a longer text; canonical JSON refuses such.
function hashOf(body: unknown): string {
  const text = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === "string" && LONE_SURROGATE.test(value) ? JSON.stringify(value) : value,
  );
  return hashJson(JSON.parse(text));
}
