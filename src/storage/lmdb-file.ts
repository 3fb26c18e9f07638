// Checks of an LMDB data file before it is mapped. Runs on the main thread.
//
// LMDB trusts its file: an emptied one it takes for a new database, and of one that is cut off it touches the missing
// pages, which kills the process. So a store that was once made must have its file, and missing pages are put back
// as zeros before it is opened: LMDB reports those as corrupt, and a checksum of ours finds the rest. Where its lock
// file cannot be opened lmdb kills the process, too.

import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServiceError } from '../errors.js';
import { isSystemError, readFully, writeFileDurable } from './files.js';

const MARKER_TEXT = 'This directory holds a database that was in use: data.mdb must not be missing.\n';

// A meta page starts with a page header of 24 bytes (16 in data format 1), then:
// |     0  |   4   | u32  | magic                                       |
// |    16  |   8   | u64  | bytes of the map                            |
// |    24  |   4   | u32  | bytes of a page                             |
// |   120  |   8   | u64  | last page in use                            |
const MAGIC = 0xbeefc0de;
const PAGE_HEADER_BYTES = [24, 16];
const META_BYTES = 160;
const PAGE_BYTES_MAX = 65_536;

/** Call once a new store is on the disk. */
export async function markLmdbFile(path: string): Promise<void> {
  await writeFileDurable(markerPath(path), [new TextEncoder().encode(MARKER_TEXT)]);
}

/**
 * Makes sure that opening a data file neither loses nor kills. Returns whether the store was marked before.
 * @throws storage_corrupt, the system's error where a file cannot be opened for writing
 */
export async function checkLmdbFile(path: string): Promise<boolean> {
  await (await open(join(dirname(path), 'lock.mdb'), 'a+')).close();
  const marked = await exists(markerPath(path));
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    if (marked) throw corrupt(path, 'the file is missing');
    return false;
  }
  try {
    const { size } = await file.stat();
    if (size === 0) {
      if (marked) throw corrupt(path, 'it is empty');
      return false;
    }
    const needed = Math.max(await neededBytes(file, path, 0), await neededBytes(file, path, 1));
    // Zeros; the tail may also be missing in a sound file, when its last pages were free and never written.
    if (size < needed) await file.truncate(needed);
    return marked;
  } finally {
    await file.close();
  }
}

/** Bytes of the file that one of the two meta pages speaks of. */
async function neededBytes(file: FileHandle, path: string, metaIndex: 0 | 1): Promise<number> {
  const first = await readMeta(file, path, 0);
  const meta = metaIndex === 0 ? first : await readMeta(file, path, first.pageBytes);
  const bytes = (meta.lastPage + 1) * meta.pageBytes;
  if (bytes > Math.max(meta.mapBytes, 2 * meta.pageBytes)) {
    throw corrupt(path, `it claims ${meta.lastPage} pages in a map of ${meta.mapBytes} bytes`);
  }
  return bytes;
}

async function readMeta(file: FileHandle, path: string, position: number) {
  const bytes = new Uint8Array(META_BYTES);
  if ((await readFully(file, bytes, position)) < META_BYTES)
    throw corrupt(path, `it is cut off at byte ${position}`);
  const view = new DataView(bytes.buffer);
  const start = PAGE_HEADER_BYTES.find((offset) => view.getUint32(offset, true) === MAGIC);
  if (start === undefined) throw corrupt(path, `there is no meta page at byte ${position}`);
  const pageBytes = view.getUint32(start + 24, true);
  if (pageBytes < 512 || pageBytes > PAGE_BYTES_MAX) throw corrupt(path, `its pages have ${pageBytes} bytes`);
  return {
    pageBytes,
    mapBytes: Number(view.getBigUint64(start + 16, true)),
    lastPage: Number(view.getBigUint64(start + 120, true)),
  };
}

function markerPath(path: string): string {
  return join(dirname(path), 'in-use');
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false;
    throw error;
  }
}

function corrupt(path: string, reason: string): ServiceError {
  return new ServiceError('storage_corrupt', { path, reason });
}
