import type { StoreCodec } from "@evenkeel/core";

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0b1010_0101);
}

/** A codec whose work is visible in a row: no cipher, only other bytes. */
export const xorCodec: StoreCodec = { encrypt: flip, decrypt: async (bytes) => flip(bytes) };
