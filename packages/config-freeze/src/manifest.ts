import { hashJson } from "@evenkeel/core";
import { z } from "zod";

import { ConfigFreezeError } from "./errors.ts";

/** The version of the manifest this release writes, and the newest it reads. */
export const MANIFEST_VERSION = 1;

const json = z.record(z.string(), z.unknown());

const runManifest = z.object({
  /** The user's own configuration, as `config` gave it. */
  config: z.unknown(),
  middleware: z.array(z.object({ name: z.string(), options: json, mode: z.string() })),
  recursionLimit: z.number(),
  context: json,
  configurable: json,
  graph: z.object({
    fingerprint: z.string(),
    nodes: z.array(z.string()),
    edges: z.array(z.tuple([z.string(), z.string()])),
  }),
  packages: z.record(z.string(), z.string()),
  assistantId: z.string().nullable(),
});

const frozenModel = z.object({
  /** The name of the model's class. */
  class: z.string(),
  provider: z.string().nullable(),
  name: z.string().nullable(),
  /** Constructor fields that shape behaviour; secrets and connections are not among them. */
  fields: json,
  /** Call options bound to the model itself. */
  defaults: json,
  /** What `invocationParams()` said, tools apart. */
  parameters: json,
});

const frozenTool = z.object({
  name: z.string(),
  description: z.string(),
  /** JSON Schema of the arguments; null for a provider's own tool. */
  input: z.unknown(),
  output: z.unknown(),
  version: z.string().nullable(),
  /** The definition of a tool that came as JSON; null where name, description and input make it up. */
  definition: z.unknown(),
  hash: z.string(),
});

const siteManifest = z.object({
  model: frozenModel,
  /** The system messages the request begins with; null where they hold a secret. */
  prompt: z
    .array(z.object({ content: z.unknown(), name: z.string().nullable(), kwargs: json }))
    .nullable(),
  tools: z.array(frozenTool),
  toolChoice: z.unknown(),
  responseFormat: z.unknown(),
  settings: json,
});

/** What is frozen with the input of an execution. */
export type RunManifest = z.infer<typeof runManifest>;
/** What is frozen at the first call of a call site. */
export type SiteManifest = z.infer<typeof siteManifest>;
/** A model as it was frozen. */
export type FrozenModel = z.infer<typeof frozenModel>;
/** A tool as it was frozen. */
export type FrozenTool = z.infer<typeof frozenTool>;

/** A part of the manifest as it is stored: its version, the hash of its body, the body. */
export interface Sealed {
  readonly v: number;
  readonly hash: string;
  readonly body: unknown;
}

/** Puts a manifest part under its hash. */
export function seal(body: RunManifest | SiteManifest): Sealed {
  // What undefined means in JSON differs from what it means here: one pass makes the body JSON.
  const plain = JSON.parse(JSON.stringify(body)) as unknown;
  return { v: MANIFEST_VERSION, hash: hashOf(plain), body: plain };
}

/** Opens the part frozen with the input; a newer, changed or cut one is refused with a code. */
export function openRunManifest(sealed: unknown, hash: string): RunManifest {
  return open(sealed, hash, runManifest, "the run's part");
}

/** Opens the part frozen at a call site; a newer, changed or cut one is refused with a code. */
export function openSiteManifest(sealed: unknown, hash: string, site: string): SiteManifest {
  return open(sealed, hash, siteManifest, `call site "${site}"`);
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
