import { hashJson } from "@evenkeel/core";
import { z } from "zod";

import { ConfigFreezeError } from "./errors.ts";

/** The version of the manifest this release writes, and the newest it reads. */
export const MANIFEST_VERSION = 1;

/** What is frozen with the input of an execution. */
export interface RunManifest {
  /** The user's own configuration, as `config` gave it. */
  config: unknown;
  middleware: { name: string; options: Record<string, unknown>; mode: string }[];
  recursionLimit: number | null;
  context: Record<string, unknown>;
  configurable: Record<string, unknown>;
  graph: { fingerprint: string; nodes: string[]; edges: [string, string][] };
  packages: Record<string, string>;
  assistantId: string | null;
}

/** A model as it was frozen. */
export interface FrozenModel {
  /** The name of the model's class. */
  class: string;
  provider: string | null;
  name: string | null;
  /** Constructor fields that shape behaviour; secrets and connections are not among them. */
  fields: Record<string, unknown>;
  /** What `invocationParams()` said, tools apart. */
  parameters: Record<string, unknown>;
}

/** A tool as it was frozen. */
export interface FrozenTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments; null for a provider's own tool. */
  input: unknown;
  output: unknown;
  version: string | null;
  /** The definition as it is sent to a provider. */
  definition: unknown;
  hash: string;
}

/** What is frozen at the first call of a call site. */
export interface SiteManifest {
  model: FrozenModel;
  /** The system messages the request begins with. */
  prompt: { content: unknown; name: string | null }[];
  tools: FrozenTool[];
  toolChoice: unknown;
  responseFormat: unknown;
  settings: Record<string, unknown>;
}

const json: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());

const runManifest: z.ZodType<RunManifest> = z.object({
  config: z.unknown(),
  middleware: z.array(z.object({ name: z.string(), options: json, mode: z.string() })),
  recursionLimit: z.number().nullable(),
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

const siteManifest: z.ZodType<SiteManifest> = z.object({
  model: z.object({
    class: z.string(),
    provider: z.string().nullable(),
    name: z.string().nullable(),
    fields: json,
    parameters: json,
  }),
  prompt: z.array(z.object({ content: z.unknown(), name: z.string().nullable() })),
  tools: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      input: z.unknown(),
      output: z.unknown(),
      version: z.string().nullable(),
      definition: z.unknown(),
      hash: z.string(),
    }),
  ),
  toolChoice: z.unknown(),
  responseFormat: z.unknown(),
  settings: json,
});

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
  return { v: MANIFEST_VERSION, hash: hashJson(plain), body: plain };
}

/** Opens the part frozen with the input; a newer, changed or cut one is refused with a code. */
export function openRunManifest(sealed: unknown): RunManifest {
  return open(sealed, runManifest, "the run's part");
}

/** Opens the part frozen at a call site; a newer, changed or cut one is refused with a code. */
export function openSiteManifest(sealed: unknown, site: string): SiteManifest {
  return open(sealed, siteManifest, `call site "${site}"`);
}

function open<Part>(sealed: unknown, schema: z.ZodType<Part>, what: string): Part {
  const { v, hash, body } = (sealed ?? {}) as Partial<Sealed>;
  if (v !== MANIFEST_VERSION) {
    throw new ConfigFreezeError({
      code: "manifest-version-unsupported",
      message: `The manifest of ${what} has version ${JSON.stringify(v)}; this release reads version ${MANIFEST_VERSION}. Resume with the release that wrote it, or a later one.`,
      details: { came: v ?? null, allowed: [MANIFEST_VERSION] },
    });
  }
  if (hashJson(body ?? null) !== hash) {
    throw new ConfigFreezeError({
      code: "manifest-tampered",
      message: `The manifest of ${what} does not match its hash: it was changed or cut after it was frozen. Start the input anew, or use upgradeExecution() to freeze today's configuration.`,
      details: { expected: hash ?? null },
    });
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new ConfigFreezeError({
    code: "manifest-invalid",
    message: `The manifest of ${what} is not one: ${parsed.error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join(".")} ${issue.message}`)
      .join("; ")}.`,
    cause: parsed.error,
  });
}

/** The hash an execution is known by: of its run part and of all call sites frozen so far. */
export function manifestHash(run: string, sites: Readonly<Record<string, string>>): string {
  return hashJson({ run, sites });
}
