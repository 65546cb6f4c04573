import type { StoreCodec } from "@evenkeel/core";

import { PostgresError } from "./errors.ts";

/** A body as it stands in a row: as JSON text, or encrypted. */
interface StoredBody {
  body: string | null;
  sealed: Uint8Array | null;
}

/** Turns JSON text into what a row holds, and back. */
export interface BodyFormat {
  seal(json: string): Promise<StoredBody>;
  open<Body>(row: Record<string, unknown>, what: string): Promise<Body>;
  /** Whether what is written now is encrypted; rows of another time may not be. */
  readonly encrypts: boolean;
  sealBytes(bytes: Uint8Array): Promise<Uint8Array>;
  openBytes(bytes: Uint8Array, what: string): Promise<Uint8Array>;
}

/**
 * Bodies are kept as text and not as `jsonb`, which refuses NUL and lone surrogates and rewrites
 * numbers; JSON.stringify escapes both, so text holds every body as it was.
 */
export function bodyFormat(codec: StoreCodec | undefined): BodyFormat {
  async function sealBytes(bytes: Uint8Array): Promise<Uint8Array> {
    if (codec === undefined) return bytes;
    return coded("encrypt", "A row", () => codec.encrypt(bytes));
  }

  async function openBytes(bytes: Uint8Array, what: string): Promise<Uint8Array> {
    if (codec === undefined) {
      throw unreadable(what, "it is encrypted: pass the `codec` it was written with");
    }
    return coded("decrypt", what, () => codec.decrypt(bytes));
  }

  return {
    encrypts: codec !== undefined,
    sealBytes,
    openBytes,
    async seal(json) {
      if (codec === undefined) return { body: json, sealed: null };
      return { body: null, sealed: Buffer.from(await sealBytes(Buffer.from(json))) };
    },
    async open<Body>({ body, sealed }: Record<string, unknown>, what: string): Promise<Body> {
      // A row from before there was a codec is still text.
      if (typeof body === "string") return parsed(body, what);
      if (!(sealed instanceof Uint8Array)) throw unreadable(what, "it holds no body");
      return parsed(Buffer.from(await openBytes(sealed, what)).toString("utf8"), what);
    },
  };
}

async function coded(
  step: "encrypt" | "decrypt",
  what: string,
  work: () => Promise<Uint8Array> | Uint8Array,
): Promise<Uint8Array> {
  let cause: unknown;
  try {
    const bytes = await work();
    if (bytes instanceof Uint8Array) return bytes;
    cause = new TypeError(`${step} gave ${typeof bytes} where bytes were due`);
  } catch (error) {
    cause = error;
  }
  throw new PostgresError({
    code: "codec-failed",
    message: `${what} could not be ${step}ed: the codec failed. Check its key.`,
    cause,
  });
}

function parsed<Body>(json: string, what: string): Body {
  try {
    const body: Body = JSON.parse(json);
    return body;
  } catch (error) {
    throw unreadable(what, "its body is no JSON", error);
  }
}

function unreadable(what: string, why: string, cause?: unknown): PostgresError {
  return new PostgresError({
    code: "row-unreadable",
    message: `${what} cannot be read: ${why}.`,
    cause,
  });
}
