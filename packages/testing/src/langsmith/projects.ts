import { EndpointError } from "../endpoint/endpoint-error.ts";
import { notFound, type Route } from "../endpoint/http-routes.ts";
import { type JsonRecord, recordOf, requireRecord, requireText, textOf } from "./json-record.ts";
import { page } from "./page.ts";

/** A tracing project ("session" on the wire). */
export interface LangSmithProject {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly start_time: string;
  readonly end_time?: string | null;
  readonly description: string | null;
  readonly extra: JsonRecord;
  readonly reference_dataset_id: string | null;
}

/** The projects of an endpoint. */
export interface ProjectStore {
  readonly all: () => readonly LangSmithProject[];
  /** The id of the project a run belongs to; one named for the first time is created. */
  readonly idFor: (fields: JsonRecord) => string;
  readonly routes: readonly Route[];
  readonly clear: () => void;
}

export interface ProjectStoreOptions {
  tenantId: string;
  createId: () => string;
  now: () => number;
}

/** Starts a store without projects. */
export function createProjectStore(options: ProjectStoreOptions): ProjectStore {
  const { tenantId, createId, now } = options;
  const projects = new Map<string, LangSmithProject>();

  function create(name: string, given: JsonRecord, id = createId()): LangSmithProject {
    const project: LangSmithProject = {
      id,
      tenant_id: tenantId,
      name,
      start_time: new Date(now()).toISOString(),
      description: textOf(given["description"]) ?? null,
      extra: recordOf(given["extra"]),
      reference_dataset_id: textOf(given["reference_dataset_id"]) ?? null,
    };
    projects.set(id, project);
    return project;
  }
  function named(name: string): LangSmithProject | undefined {
    return [...projects.values()].find((project) => project.name === name);
  }
  function existing(id: string | undefined): LangSmithProject {
    const project = projects.get(id ?? "");
    if (project === undefined) throw notFound(`project ${id} does not exist`);
    return project;
  }

  const routes: Route[] = [
    [
      "GET /sessions",
      ({ query }) => {
        const [name, part, ids] = [
          query.get("name"),
          query.get("name_contains"),
          query.getAll("id"),
        ];
        const found = [...projects.values()].filter(
          (project) =>
            (name === null || project.name === name) &&
            (part === null || project.name.includes(part)) &&
            (ids.length === 0 || ids.includes(project.id)),
        );
        return { body: page(found, query) };
      },
    ],
    [
      "POST /sessions",
      ({ body, query }) => {
        const given = requireRecord(body);
        const name = requireText(given, "name");
        const known = named(name);
        if (known === undefined) return { body: create(name, given, textOf(given["id"])) };
        if (query.get("upsert") === "true") return { body: known };
        const message = `a project named "${name}" exists already`;
        throw new EndpointError("conflict", message, { status: 409 });
      },
    ],
    ["GET /sessions/:id", ({ parameters }) => ({ body: existing(parameters["id"]) })],
    [
      "PATCH /sessions/:id",
      ({ parameters, body }) => {
        const project = existing(parameters["id"]);
        const changes = Object.entries(requireRecord(body)).filter(([, value]) => value !== null);
        const changed = { ...project, ...Object.fromEntries(changes), id: project.id };
        projects.set(project.id, changed);
        return { body: changed };
      },
    ],
    [
      "DELETE /sessions/:id",
      ({ parameters }) => {
        projects.delete(existing(parameters["id"]).id);
        return { status: 202, body: {} };
      },
    ],
  ];

  return {
    all: () => [...projects.values()],
    idFor: (fields) => {
      const id = textOf(fields["session_id"]);
      if (id !== undefined && projects.has(id)) return id;
      const name = textOf(fields["session_name"]) ?? "default";
      return (named(name) ?? create(name, {}, id)).id;
    },
    routes,
    clear: () => projects.clear(),
  };
}
