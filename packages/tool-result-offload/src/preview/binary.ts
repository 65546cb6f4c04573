import { figure } from "./cut.ts";
import type { Renderer } from "./fit.ts";
import type { Sample } from "./sample.ts";

/** Beginnings of files by which their type is known, as hexadecimal; `..` is any byte. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ["89504e470d0a1a0a", "image/png"],
  ["ffd8ff", "image/jpeg"],
  ["474946383", "image/gif"],
  ["52494646........57454250", "image/webp"],
  ["424d", "image/bmp"],
  ["49492a00", "image/tiff"],
  ["4d4d002a", "image/tiff"],
  ["........6674797061766966", "image/avif"],
  ["........66747970", "video/mp4"],
  ["1a45dfa3", "video/webm"],
  ["52494646........57415645", "audio/wav"],
  ["494433", "audio/mpeg"],
  ["fffb", "audio/mpeg"],
  ["4f676753", "audio/ogg"],
  ["664c6143", "audio/flac"],
  ["255044462d", "application/pdf"],
  ["504b0304", "application/zip"],
  ["504b0506", "application/zip"],
  ["1f8b", "application/gzip"],
  ["425a68", "application/x-bzip2"],
  ["fd377a585a00", "application/x-xz"],
  ["28b52ffd", "application/zstd"],
  ["377abcaf271c", "application/x-7z-compressed"],
  ["53514c69746520666f726d6174203300", "application/vnd.sqlite3"],
  ["7f454c46", "application/x-elf"],
  ["0061736d", "application/wasm"],
  ["d0cf11e0a1b11ae1", "application/x-ole-storage"],
  ["50415231", "application/vnd.apache.parquet"],
  ["fffe", "text/plain; charset=utf-16le"],
  ["feff", "text/plain; charset=utf-16be"],
];

/** The media type of some bytes by how they begin; `application/octet-stream` where nothing is known. */
export function mediaTypeOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString("hex");
  const found = SIGNATURES.find(([signature]) =>
    Array.from(signature).every((digit, index) => digit === "." || digit === hex.charAt(index)),
  );
  return found?.[1] ?? "application/octet-stream";
}

/** Bytes that are no text: their type, size and beginning. */
export function previewBinary(sample: Sample, binary: Uint8Array): Renderer {
  const hex = Buffer.from(binary.subarray(0, 32))
    .toString("hex")
    .replace(/..(?=.)/g, "$& ");
  const text = [
    `type: ${mediaTypeOf(binary)}`,
    `size: ${figure(sample.size)} bytes`,
    `begins with: ${hex === "" ? "nothing" : hex}`,
  ].join("\n");
  return () => text;
}
