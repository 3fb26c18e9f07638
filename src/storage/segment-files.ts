// The segment files of a collection's directory: their names, and which of them hold which committed rows. Runs on
// the main thread.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowShape } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { removeDurable } from './files.js';
import { readSegmentHeader, type SegmentShape } from './segment-header.js';

const NAME = /^(\d{10})\.vec$/;

export function segmentPath(directory: string, firstRow: number): string {
  return join(directory, `${String(firstRow).padStart(10, '0')}.vec`);
}

interface Extent {
  directory: string;
  rows: RowShape;
  rowBase: number;
  rowEnd: number;
}

/**
 * The files with rows from `rowBase` to `rowEnd`, in order, each with the number of its committed rows. Removes the
 * files without such a row: a crash left them behind before they were used, or after a generation took their rows.
 * @throws storage_corrupt when a row is in no file, or a file does not fit its name or the collection
 */
export async function listSegments(
  extent: Extent,
): Promise<{ path: string; shape: SegmentShape; rows: number }[]> {
  const { directory, rowBase, rowEnd } = extent;
  const firstRows = (await readdir(directory)).flatMap((name) => Number(NAME.exec(name)?.[1] ?? []));
  firstRows.sort((a, b) => a - b);
  const segments = [];
  let covered = rowBase;
  for (const [index, firstRow] of firstRows.entries()) {
    const path = segmentPath(directory, firstRow);
    const end = Math.min(firstRows[index + 1] ?? rowEnd, rowEnd);
    if (end <= rowBase || firstRow >= end) {
      await removeDurable(path);
      continue;
    }
    const { fileRows, ...shape } = checkedHeader(path, firstRow, extent.rows);
    const rows = end - firstRow;
    if (fileRows < rows || shape.capacityRows < rows) {
      throw corrupt(path, `it has ${Math.min(fileRows, shape.capacityRows)} rows where ${rows} are needed`);
    }
    if (firstRow > covered)
      throw corrupt(directory, `no file holds the rows from ${covered} to ${firstRow - 1}`);
    covered = end;
    segments.push({ path, shape, rows });
  }
  if (covered < rowEnd) throw corrupt(directory, `no file holds the rows from ${covered} to ${rowEnd - 1}`);
  return segments;
}

function checkedHeader(path: string, firstRow: number, { dimension, precision }: RowShape) {
  const header = readSegmentHeader(path);
  const fits = header.dimension === dimension && header.precision === precision;
  if (header.firstRow !== firstRow || !fits) {
    throw corrupt(
      path,
      `its header says first row ${header.firstRow}, dimension ${header.dimension}, ${header.precision}; ` +
        `expected ${firstRow}, ${dimension}, ${precision}`,
    );
  }
  return header;
}

function corrupt(path: string, reason: string): ServiceError {
  return new ServiceError('storage_corrupt', { path, reason });
}
