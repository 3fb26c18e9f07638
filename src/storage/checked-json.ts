// JSON values with a checksum, for small records in LMDB, which has none of its own. Runs on any thread.

import { crc32c } from '@node-rs/crc32';

// | offset | bytes | type | meaning                 |
// |     0  |   4   | u32  | crc32c of the rest      |
// |     4  |  ...  | text | JSON in UTF-8           |

const HEAD_BYTES = 4;

export function encodeJson(value: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(HEAD_BYTES + json.byteLength);
  bytes.set(json, HEAD_BYTES);
  new DataView(bytes.buffer).setUint32(0, crc32c(json), true);
  return bytes;
}

/** The value; undefined when the checksum does not fit. */
export function decodeJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength < HEAD_BYTES) return undefined;
  const json = bytes.subarray(HEAD_BYTES);
  const checksum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return checksum === crc32c(json) ? JSON.parse(new TextDecoder().decode(json)) : undefined;
}
