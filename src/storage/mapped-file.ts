// Read-only memory maps of files. Runs on any thread: each maps for itself.

import { strict as assert } from 'node:assert';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { ServiceError } from '../errors.js';
import { SEGMENT_BYTES_MAX } from '../limits.js';
import { isSystemError } from './files.js';
import { mmap } from './mmap-addon.js';

export interface MapOptions {
  /** Length of the map. It may reach past the present end of a file that grows; see `validBytes`. */
  byteLength: number;
  /** The file must be at least this long now: a page past the end of the file kills the process when touched. */
  validBytes: number;
  /** True where single rows are read here and there: the kernel then reads no pages ahead. */
  random: boolean;
}

/**
 * Maps a file from its start, read-only and shared: bytes written to the file show up in the map.
 * The map is released when the last view of it is garbage-collected.
 * @throws storage_corrupt when the file is missing or shorter than `validBytes`
 */
export function mapFile(path: string, { byteLength, validBytes, random }: MapOptions): Uint8Array {
  // mmap-io takes sizes as 32-bit integers: more would be cut off silently.
  assert(Number.isSafeInteger(byteLength) && byteLength > 0 && byteLength <= SEGMENT_BYTES_MAX, 'map length');
  assert(validBytes <= byteLength, 'more valid bytes than mapped ones');
  const fd = openForReading(path);
  try {
    const fileBytes = fstatSync(fd).size;
    if (fileBytes < validBytes) {
      throw new ServiceError('storage_corrupt', {
        path,
        reason: `it has ${fileBytes} bytes where at least ${validBytes} are needed`,
      });
    }
    const advice = random ? mmap.MADV_RANDOM : mmap.MADV_NORMAL;
    const map = mmap.map(byteLength, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0, advice);
    assert.equal(map.length, byteLength, 'the map has another length than asked for');
    return new Uint8Array(map.buffer, map.byteOffset, map.byteLength);
  } finally {
    closeSync(fd);
  }
}

/** Asks the kernel to read a range of a map ahead; returns at once. About 1 us a call. */
export function willNeed(map: Uint8Array, byteOffset: number, byteLength: number): void {
  const start = byteOffset - (byteOffset % mmap.PAGESIZE);
  const end = Math.min(byteOffset + byteLength, map.byteLength);
  if (end <= start) return;
  mmap.advise(map as Buffer, start, end - start, mmap.MADV_WILLNEED);
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) {
      throw new ServiceError('storage_corrupt', { path, reason: 'the file is missing' });
    }
    throw error;
  }
}
