import { CoreError } from "@evenkeel/core";

/** Postgres cuts longer names without a word, and then two schemas would meet. */
const MAX_BYTES = 63;

/** Checks the name of a schema; what needs thought to quote or belongs to Postgres is refused. */
export function checkedSchema(schema: unknown): string {
  const valid =
    typeof schema === "string" &&
    schema.length <= MAX_BYTES &&
    /^[A-Za-z_][A-Za-z0-9_-]*$/.test(schema) &&
    !/^(?:pg_|information_schema$)/i.test(schema);
  if (valid) return schema;
  const came = typeof schema === "string" ? JSON.stringify(schema.slice(0, 100)) : typeof schema;
  throw new CoreError({
    code: "invalid-options",
    message: `evenkeelPostgres: "schema" takes a name of letters, digits, "_" and "-", at most ${MAX_BYTES} long, that does not begin with a digit or "pg_"; ${came} came.`,
    details: { option: "schema" },
  });
}

/** A name as an identifier in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
