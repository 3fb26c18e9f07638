// The bytes of points, row entries and tombstones in LMDB, each with its checksum. Runs on any thread.

import { strict as assert } from 'node:assert';
import { ID_BYTES_MAX, ROWS_MAX } from '../limits.js';
import { checksumOf, checksumOfU32 } from './short-checksum.js';

// Record of a point; its key is the id's text.
// | offset | bytes | type | meaning                                                     |
// |     0  |   1   | u8   | format version, 1                                           |
// |     1  |   1   | u8   | bit 0: the id is an integer; bit 1: there is a payload      |
// |     2  |   4   | u32  | row                                                         |
// |     6  |   4   | u32  | crc32c of the vector's bytes                                |
// |    10  |   4   | u32  | payload length                                              |
// |    14  |  ...  | text | payload, JSON in UTF-8                                      |
// |   ...  |   4   | u32  | crc32c of the bytes before, continued over the key          |
//
// Entry of a row; its key is the row as u32.
// |     0  |   1   | u8   | bit 0: the id is an integer                                 |
// |     1  |   4   | u32  | crc32c of the row, continued over the flags and the id      |
// |     5  |  ...  | text | the id in UTF-8                                             |
//
// Tombstone; its key is the row as u32.
// |     0  |   4   | u32  | crc32c of the row                                           |

const VERSION = 1;
const INTEGER_ID = 1;
const HAS_PAYLOAD = 2;
const POINT_HEAD_BYTES = 14;
const ROW_HEAD_BYTES = 5;
const CHECKSUM_BYTES = 4;

export type PointId = string | number;

export interface PointRecord {
  id: PointId;
  row: number;
  /** crc32c of the vector's bytes: the segment files have none. */
  vectorChecksum: number;
  /** JSON in UTF-8. */
  payload: Uint8Array | null;
}

const text = new TextEncoder();
const UTF8_BYTES_PER_UNIT_MAX = 3;

/**
 * Encodes the values of one commit into one piece of memory: one allocation instead of two a point, and no view
 * before it is asked for.
 */
export class PointsEncoder {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** Where each point's record starts; its row's entry lies behind it, up to the next record. */
  readonly #pointOffsets: Float64Array;
  readonly #rowOffsets: Float64Array;
  readonly #points: readonly PointRecord[];
  readonly #removedRows: readonly number[];
  #encoded = 0;
  /** Where what is encoded next goes; in the end, where the tombstones start. */
  #offset = 0;

  constructor(points: readonly PointRecord[], removedRows: readonly number[]) {
    this.#points = points;
    this.#removedRows = removedRows;
    this.#bytes = new Uint8Array(bytesMax(points) + removedRows.length * CHECKSUM_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    this.#pointOffsets = new Float64Array(points.length + 1);
    this.#rowOffsets = new Float64Array(points.length);
  }

  /** Encodes the next points, at most `count`; true while there are more. Nothing can be asked for before the end. */
  encodeNext(count: number): boolean {
    const end = Math.min(this.#points.length, this.#encoded + count);
    for (; this.#encoded < end; this.#encoded++) {
      this.#pointOffsets[this.#encoded] = this.#offset;
      this.#offset = this.#encode(this.#encoded, this.#points[this.#encoded] as PointRecord, this.#offset);
    }
    if (end < this.#points.length) return true;
    this.#pointOffsets[end] = this.#offset;
    for (const [index, row] of this.#removedRows.entries()) {
      this.#view.setUint32(this.#offset + index * CHECKSUM_BYTES, checksumOfU32(row), true);
    }
    return false;
  }

  point(index: number): Uint8Array {
    return this.#bytes.subarray(this.#pointOffsets[index], this.#rowOffsets[index]);
  }

  rowId(index: number): Uint8Array {
    return this.#bytes.subarray(this.#rowOffsets[index], this.#pointOffsets[index + 1]);
  }

  tombstone(index: number): Uint8Array {
    const offset = this.#offset + index * CHECKSUM_BYTES;
    return this.#bytes.subarray(offset, offset + CHECKSUM_BYTES);
  }

  /** Returns where the next point may start. */
  #encode(index: number, { id, row, vectorChecksum, payload }: PointRecord, start: number): number {
    const integer = typeof id === 'number' ? INTEGER_ID : 0;
    this.#bytes[start] = VERSION;
    this.#bytes[start + 1] = integer | (payload === null ? 0 : HAS_PAYLOAD);
    this.#view.setUint32(start + 2, row, true);
    this.#view.setUint32(start + 6, vectorChecksum, true);
    this.#view.setUint32(start + 10, payload?.byteLength ?? 0, true);
    if (payload !== null) this.#bytes.set(payload, start + POINT_HEAD_BYTES);
    const bodyEnd = start + POINT_HEAD_BYTES + (payload?.byteLength ?? 0);

    const entry = bodyEnd + CHECKSUM_BYTES;
    const key = entry + ROW_HEAD_BYTES;
    const { written } = text.encodeInto(String(id), this.#bytes.subarray(key));
    assert(written > 0 && written <= ID_BYTES_MAX, 'an id has 1 to 256 bytes');
    assert(Number.isInteger(row) && row >= 0 && row <= ROWS_MAX, 'a row is a u32');
    this.#rowOffsets[index] = entry;
    this.#bytes[entry] = integer;
    this.#view.setUint32(entry + 1, rowIdChecksum(row, integer, this.#bytes, key, key + written), true);
    const body = checksumOf(this.#bytes, start, bodyEnd);
    this.#view.setUint32(bodyEnd, checksumOf(this.#bytes, key, key + written, body), true);
    return key + written;
  }
}

/** The point of a key; undefined when its checksum does not fit. The payload is a view of `bytes`. */
export function decodePoint(key: string, bytes: Uint8Array): PointRecord | undefined {
  const end = bytes.byteLength - CHECKSUM_BYTES;
  if (end < POINT_HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const keyBytes = text.encode(key);
  const checksum = checksumOf(keyBytes, 0, keyBytes.byteLength, checksumOf(bytes, 0, end));
  if (view.getUint32(end, true) !== checksum || bytes[0] !== VERSION) return undefined;
  if (POINT_HEAD_BYTES + view.getUint32(10, true) !== end) return undefined;
  const flags = view.getUint8(1);
  return {
    id: flags & INTEGER_ID ? Number(key) : key,
    row: view.getUint32(2, true),
    vectorChecksum: view.getUint32(6, true),
    payload: flags & HAS_PAYLOAD ? bytes.subarray(POINT_HEAD_BYTES, end) : null,
  };
}

/** The id in a row's entry; undefined when its checksum does not fit. */
export function decodeRowId(row: number, bytes: Uint8Array): PointId | undefined {
  if (bytes.byteLength <= ROW_HEAD_BYTES) return undefined;
  const flags = bytes[0] as number;
  const checksum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
  if (checksum !== rowIdChecksum(row, flags, bytes, ROW_HEAD_BYTES, bytes.byteLength)) return undefined;
  const id = new TextDecoder().decode(bytes.subarray(ROW_HEAD_BYTES));
  return flags & INTEGER_ID ? Number(id) : id;
}

/** Whether a tombstone's checksum fits its row. */
export function decodeTombstone(row: number, bytes: Uint8Array): boolean {
  if (bytes.byteLength !== CHECKSUM_BYTES) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === checksumOfU32(row);
}

// The key takes part in each checksum: a value that stands under another key is as wrong as a changed one.

function rowIdChecksum(row: number, flags: number, bytes: Uint8Array, start: number, end: number): number {
  return checksumOf(bytes, start, end, checksumOf(Uint8Array.of(flags), 0, 1, checksumOfU32(row)));
}

function bytesMax(points: readonly PointRecord[]): number {
  let bytes = 0;
  for (const { id, payload } of points) {
    bytes += POINT_HEAD_BYTES + (payload?.byteLength ?? 0) + CHECKSUM_BYTES + ROW_HEAD_BYTES;
    bytes += String(id).length * UTF8_BYTES_PER_UNIT_MAX;
  }
  return bytes;
}
