import { EndpointError } from "../endpoint/endpoint-error.ts";
import { isRecord, type JsonRecord, requireRecord, requireText } from "./json-record.ts";
import { type MultipartPart, partJson } from "./multipart.ts";

/** A file sent along with a run. */
export interface RunAttachment {
  readonly contentType: string;
  readonly content: Buffer;
}

/** What a client said about one run: `post` begins it, `patch` adds to it. */
export interface RunOperation {
  readonly kind: "post" | "patch";
  readonly id: string;
  readonly fields: JsonRecord;
  readonly attachments: Readonly<Record<string, RunAttachment>>;
}

/** Puts the parts of `POST /runs/multipart` together, one operation for each `post` or `patch`. */
export function operationsOfParts(parts: readonly MultipartPart[]): RunOperation[] {
  const operations = new Map<
    string,
    RunOperation & { attachments: Record<string, RunAttachment> }
  >();
  for (const part of parts) {
    const [kind, id = "", field] = part.name.split(".");
    if (kind === "attachment" && field !== undefined) {
      const owner = operations.get(`post.${id}`) ?? operations.get(`patch.${id}`);
      if (owner === undefined) throw unknownPart(part.name);
      const { contentType, content } = part;
      owner.attachments[field] = { contentType, content: Buffer.from(content) };
    } else if (kind !== "post" && kind !== "patch") {
      throw unknownPart(part.name);
    } else if (field === undefined) {
      const fields = requireRecord(partJson(part));
      operations.set(part.name, { kind, id, fields, attachments: {} });
    } else {
      const owner = operations.get(`${kind}.${id}`);
      if (owner === undefined) throw unknownPart(part.name);
      owner.fields[field] = partJson(part);
    }
  }
  return [...operations.values()];
}

/** The operations of `POST /runs/batch`. */
export function operationsOfBatch(body: unknown): RunOperation[] {
  const { post, patch } = requireRecord(body);
  const read = (kind: RunOperation["kind"], runs: unknown) =>
    (Array.isArray(runs) ? runs : []).filter(isRecord).map((run) => operationOf(kind, run));
  return [...read("post", post), ...read("patch", patch)];
}

/** The operation of a run sent alone. */
export function operationOf(kind: RunOperation["kind"], fields: JsonRecord): RunOperation {
  return { kind, id: requireText(fields, "id"), fields, attachments: {} };
}

function unknownPart(name: string): EndpointError {
  const message = `part "${name}" is neither post, patch nor attachment of a run in this body`;
  return new EndpointError("invalid-request", message, { status: 400 });
}
