// The header of a segment file: its format, and the arithmetic of where rows lie. Runs on any thread.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32c } from '@node-rs/crc32';
import type { Precision } from '../contract/index-settings.js';
import { type RowShape, rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { DIMENSION_MAX, ROWS_MAX, SEGMENT_BYTES_MAX } from '../limits.js';
import { isSystemError } from './files.js';

// | offset | bytes | type | meaning                                                          |
// |     0  |   8   | text | magic "COPVEC01"                                                 |
// |     8  |   4   | u32  | format version, 2                                                |
// |    12  |   4   | u32  | dimension                                                        |
// |    16  |   4   | u32  | first row                                                        |
// |    20  |   4   | u32  | capacity in rows                                                 |
// |    24  |   4   | u32  | precision: 0 float32, 1 float16, 2 int8                          |
// |    28  |   4   | u32  | crc32c of the 28 bytes before                                    |
// |    32  | 4064  |      | zero                                                             |
// |  4096  |  ...  |      | rows without gaps, as contract/stored-vector.ts has them         |
// Version 1 had no precision, which was float32, and the checksum in its place; it is read, too.
// Rows have no checksum here: each point's record keeps the crc32c of its stored vector.

const MAGIC = 'COPVEC01';
const VERSION = 2;
/** Bytes before the checksum, by version. */
const CHECKED_BYTES = { 1: 24, 2: 28 } as const;
const PRECISIONS = ['float32', 'float16', 'int8'] as const satisfies Precision[];

/** One page, so that rows stay aligned in a map. */
export const SEGMENT_HEADER_BYTES = 4096;

/** What a segment file holds: rows `firstRow` to `firstRow + capacityRows - 1`, those not yet written missing. */
export interface SegmentShape extends RowShape {
  firstRow: number;
  capacityRows: number;
}

/** Most rows of one file, such that all of it can be mapped. */
export function segmentCapacityRows(shape: RowShape): number {
  return Math.floor((SEGMENT_BYTES_MAX - SEGMENT_HEADER_BYTES) / rowBytes(shape));
}

/** Length of a segment file that holds its first `rows` rows. */
export function segmentBytes(shape: RowShape, rows: number): number {
  return SEGMENT_HEADER_BYTES + rows * rowBytes(shape);
}

/** @throws RangeError for a shape that no segment file can have */
export function encodeSegmentHeader(shape: SegmentShape): Uint8Array {
  const problem = shapeProblem(shape);
  if (problem !== null) throw new RangeError(`segment shape: ${problem}`);
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, VERSION, true);
  view.setUint32(12, shape.dimension, true);
  view.setUint32(16, shape.firstRow, true);
  view.setUint32(20, shape.capacityRows, true);
  view.setUint32(24, PRECISIONS.indexOf(shape.precision), true);
  const end = CHECKED_BYTES[VERSION];
  view.setUint32(end, crc32c(bytes.subarray(0, end)), true);
  return bytes;
}

/** @throws storage_corrupt */
export function decodeSegmentHeader(bytes: Uint8Array, path: string): SegmentShape {
  if (bytes.byteLength < SEGMENT_HEADER_BYTES)
    throw corrupt(path, `its header is cut off at ${bytes.byteLength} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (new TextDecoder('latin1').decode(bytes.subarray(0, 8)) !== MAGIC)
    throw corrupt(path, 'it is no segment file');
  const version = view.getUint32(8, true);
  if (version !== 1 && version !== VERSION)
    throw corrupt(path, `its format version is ${version}, this program reads 1 and ${VERSION}`);
  const end = CHECKED_BYTES[version];
  if (view.getUint32(end, true) !== crc32c(bytes.subarray(0, end))) {
    throw corrupt(path, 'the checksum of its header does not fit');
  }
  const number = version === 1 ? 0 : view.getUint32(24, true);
  const precision = PRECISIONS[number];
  if (precision === undefined)
    throw corrupt(path, `its vectors have the precision ${number}, which this program does not know`);
  const shape = {
    precision,
    dimension: view.getUint32(12, true),
    firstRow: view.getUint32(16, true),
    capacityRows: view.getUint32(20, true),
  };
  const problem = shapeProblem(shape);
  if (problem !== null) throw corrupt(path, problem);
  return shape;
}

/**
 * Reads and checks a file's header; the number of rows is what the file's length has room for.
 * @throws storage_corrupt
 */
export function readSegmentHeader(path: string): SegmentShape & { fileRows: number } {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw corrupt(path, 'the file is missing');
    throw error;
  }
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const shape = decodeSegmentHeader(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)), path);
    const rowsBytes = fstatSync(fd).size - SEGMENT_HEADER_BYTES;
    return { ...shape, fileRows: Math.floor(rowsBytes / rowBytes(shape)) };
  } finally {
    closeSync(fd);
  }
}

function shapeProblem(shape: SegmentShape): string | null {
  const { dimension, firstRow, capacityRows } = shape;
  if (!(Number.isInteger(dimension) && dimension >= 1 && dimension <= DIMENSION_MAX))
    return `dimension ${dimension}`;
  if (!(Number.isInteger(capacityRows) && capacityRows >= 1 && capacityRows <= segmentCapacityRows(shape))) {
    return `capacity of ${capacityRows} rows`;
  }
  if (!(Number.isInteger(firstRow) && firstRow >= 0 && firstRow <= ROWS_MAX)) return `first row ${firstRow}`;
  return null;
}

function corrupt(path: string, reason: string): ServiceError {
  return new ServiceError('storage_corrupt', { path, reason });
}
