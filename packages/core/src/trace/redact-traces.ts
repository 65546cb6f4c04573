import { redact } from "../redact/redact.ts";
import type { RedactOptions } from "../redact/redact.ts";

/** The part of a langsmith `Client` by which runs are sent. */
export interface TraceClient {
  createRun(run: object, options?: object): Promise<unknown>;
  updateRun(runId: string, run: object, options?: object): Promise<unknown>;
}

// LangSmith's own anonymizer is asked about inputs, outputs, metadata and errors only: headers of a
// model stand in `serialized`, what a call was given beside its messages in `extra`.
const FIELDS = ["inputs", "outputs", "error", "events", "extra", "serialized"];

const WHOLE = {
  maxDepth: 100,
  maxString: Infinity,
  maxMembers: Infinity,
  maxValues: Infinity,
  maxCharacters: Infinity,
};

/**
 * Masks secrets in every run that a langsmith client sends, by the names of keys and by the form of
 * values, and gives the same client back. The run itself is not touched; nothing else is cut.
 *
 * @example
 * ```ts
 * import { Client } from "langsmith";
 *
 * const client = redactTraces(new Client());
 * ```
 */
export function redactTraces<Sender extends TraceClient>(
  client: Sender,
  options: Pick<RedactOptions, "isSecret"> = {},
): Sender {
  const masked = (run: object): object =>
    Object.fromEntries(
      Object.entries(run).map(([field, value]) => [
        field,
        FIELDS.includes(field) && value !== undefined && value !== null
          ? redact(value, { ...WHOLE, ...options })
          : value,
      ]),
    );
  const create = client.createRun.bind(client);
  const update = client.updateRun.bind(client);
  client.createRun = (run, given) => create(masked(run), given);
  client.updateRun = (runId, run, given) => update(runId, masked(run), given);
  return client;
}
