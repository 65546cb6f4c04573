import { z } from "zod";

/** What is frozen with the input of an execution. */
export interface RunManifest {
  /** The user's own configuration, as `config` gave it. */
  config: unknown;
  middleware: { name: string; options: Record<string, unknown>; mode: string }[];
  recursionLimit: number;
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
  /** Call options bound to the model itself. */
  defaults: Record<string, unknown>;
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
  /** The definition of a tool that came as JSON; null where name, description and input make it up. */
  definition: unknown;
  hash: string;
}

/** What is frozen at the first call of a call site. */
export interface SiteManifest {
  model: FrozenModel;
  /** The system messages the request begins with; null where they hold a secret. */
  prompt: { content: unknown; name: string | null; kwargs: Record<string, unknown> }[] | null;
  tools: FrozenTool[];
  toolChoice: unknown;
  responseFormat: unknown;
  settings: Record<string, unknown>;
}

const json: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());

/** The schema of {@link RunManifest}. */
export const runSchema: z.ZodType<RunManifest> = z.object({
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

/** The schema of {@link SiteManifest}. */
export const siteSchema: z.ZodType<SiteManifest> = z.object({
  model: z.object({
    class: z.string(),
    provider: z.string().nullable(),
    name: z.string().nullable(),
    fields: json,
    defaults: json,
    parameters: json,
  }),
  prompt: z
    .array(z.object({ content: z.unknown(), name: z.string().nullable(), kwargs: json }))
    .nullable(),
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
