// crc32c of a few bytes in JavaScript: the call into the native one costs more than the bytes. Runs on any thread.

import { crc32c } from '@node-rs/crc32';

/** From about this length on the native one is faster. */
const NATIVE_BYTES_MIN = 192;
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The same as `crc32c(bytes.subarray(start, end), initial)`. */
export function checksumOf(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) return crc32c(bytes.subarray(start, end), initial);
  let value = ~initial;
  for (let index = start; index < end; index++) {
    value = (TABLE[(value ^ (bytes[index] as number)) & 0xff] as number) ^ (value >>> 8);
  }
  return ~value >>> 0;
}

/** crc32c of the four bytes of a little-endian u32. */
export function checksumOfU32(word: number, initial = 0): number {
  let value = ~initial;
  for (let shift = 0; shift < 32; shift += 8) {
    value = (TABLE[(value ^ (word >>> shift)) & 0xff] as number) ^ (value >>> 8);
  }
  return ~value >>> 0;
}
