// The slot -> row table of a generation: a number for each vector that only the few vectors of an answer need. So it
// stays in its file and is mapped, by each thread for itself; while a build fills it, it is shared memory.

import { mapFile } from './mapped-file.js';

/** `count` u32, little-endian. */
export type RowTable = { buffer: SharedArrayBuffer } | { path: string; byteOffset: number; count: number };

/** @throws storage_corrupt when the file is missing or too short */
export function openRowTable(table: RowTable): Uint32Array {
  if ('buffer' in table) return new Uint32Array(table.buffer);
  const { path, byteOffset, count } = table;
  if (count === 0) return new Uint32Array(0);
  const bytes = byteOffset + count * Uint32Array.BYTES_PER_ELEMENT;
  const map = mapFile(path, { byteLength: bytes, validBytes: bytes, random: true });
  return new Uint32Array(map.buffer, map.byteOffset + byteOffset, count);
}
