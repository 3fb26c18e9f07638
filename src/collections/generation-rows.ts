// A second copy of a generation's slot -> row table beside its vectors: with it the points can be recovered when the
// index file is damaged. Main thread.

import { join } from 'node:path';
import { ServiceError } from '../errors.js';
import { readCheckedFile, writeCheckedFile } from '../storage/checked-file.js';

// A checked file with one section: u32 little-endian, the row of each slot.
const ROWS_FILE = { magic: 'COPPROWS', version: 1 };
const ROWS_SECTION = 1;

function rowsPath(directory: string): string {
  return join(directory, 'rows.bin');
}

/** Writes the table, durably; the directory is the caller's to fsync. */
export async function saveSlotRows(directory: string, slotRows: Uint32Array): Promise<void> {
  const bytes = new Uint8Array(slotRows.buffer, slotRows.byteOffset, slotRows.byteLength);
  await writeCheckedFile(rowsPath(directory), ROWS_FILE, [{ id: ROWS_SECTION, parts: [bytes] }]);
}

/** @throws storage_corrupt */
export async function loadSlotRows(directory: string): Promise<Uint32Array> {
  const path = rowsPath(directory);
  let rows: Uint32Array | undefined;
  await readCheckedFile(path, ROWS_FILE, (id, bytes) => {
    if (id !== ROWS_SECTION || bytes % Uint32Array.BYTES_PER_ELEMENT !== 0) throw damaged(path);
    rows = new Uint32Array(bytes / Uint32Array.BYTES_PER_ELEMENT);
    return new Uint8Array(rows.buffer);
  });
  if (!rows) throw damaged(path);
  return rows;
}

function damaged(path: string): ServiceError {
  return new ServiceError('storage_corrupt', { path, reason: 'it does not hold a table of rows' });
}
