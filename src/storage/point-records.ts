// The bytes of points, row entries and tombstones in LMDB, each with its checksum. Runs on any thread.

import { strict as assert } from 'node:assert';
import { ID_BYTES_MAX, ROWS_MAX } from '../limits.js';
import { checksumOf, checksumOfU32 } from './short-checksum.js';

// Record of a point; its key is the id's text.
// | offset | bytes | type | meaning                                                     |
// |     0  |   1   | u8   | format version, 1                                           |
// |     1  |   1   | u8   | bit 0: the id is an integer; bit 1: there is a payload      |
// |     2  |   4   | u32  | row                                                         |
// |     6  |   4   | u32  | crc32c of the vector's stored bytes                         |
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
  /** crc32c of the vector's stored bytes: the segment files have none. */
  vectorChecksum: number;
  /** JSON in UTF-8. */
  payload: Uint8Array | null;
}

const text = new TextEncoder();
const decoder = new TextDecoder();
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** Keys and values of one commit, ready to be written: nothing is left to be done between its first put and its last. */
export interface EncodedChanges {
  /** Of the points that are put: key, record, and entry of the row. */
  keys: Uint8Array[];
  points: Uint8Array[];
  rowIds: Uint8Array[];
  tombstones: Uint8Array[];
  removedKeys: Uint8Array[];
}

export interface RecordChanges {
  put: readonly PointRecord[];
  removeRows: readonly number[];
  removeKeys: readonly string[];
}

/** Encodes a commit in steps of `stepCount` points, for a caller that has other things to do in between. */
export function* encodeChanges(
  { put, removeRows, removeKeys }: RecordChanges,
  stepCount: number,
): Generator<undefined, EncodedChanges> {
  const encoded: EncodedChanges = { keys: [], points: [], rowIds: [], tombstones: [], removedKeys: [] };
  for (let first = 0; first < put.length; first += stepCount) {
    encodePoints(put.slice(first, first + stepCount), encoded);
    yield;
  }
  for (let first = 0; first < removeRows.length; first += stepCount) {
    encodeTombstones(removeRows.slice(first, first + stepCount), encoded);
    yield;
  }
  for (const [index, key] of removeKeys.entries()) {
    encoded.removedKeys.push(text.encode(key));
    if (index % stepCount === stepCount - 1) yield;
  }
  return encoded;
}

/** All in one piece of memory: one allocation instead of two a point. */
function encodePoints(points: readonly PointRecord[], encoded: EncodedChanges): void {
  const bytes = new Uint8Array(bytesMax(points));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const point of points) {
    const { entry, key, end } = encodePoint(point, bytes, view, offset);
    encoded.points.push(bytes.subarray(offset, entry));
    encoded.rowIds.push(bytes.subarray(entry, end));
    encoded.keys.push(bytes.subarray(key, end));
    offset = end;
  }
}

/** Writes the record of a point from `start` on and the entry of its row, which ends with the key, behind it. */
function encodePoint(
  { id, row, vectorChecksum, payload }: PointRecord,
  bytes: Uint8Array,
  view: DataView,
  start: number,
): { entry: number; key: number; end: number } {
  const integer = typeof id === 'number' ? INTEGER_ID : 0;
  bytes[start] = VERSION;
  bytes[start + 1] = integer | (payload === null ? 0 : HAS_PAYLOAD);
  view.setUint32(start + 2, row, true);
  view.setUint32(start + 6, vectorChecksum, true);
  view.setUint32(start + 10, payload?.byteLength ?? 0, true);
  if (payload !== null) bytes.set(payload, start + POINT_HEAD_BYTES);
  const bodyEnd = start + POINT_HEAD_BYTES + (payload?.byteLength ?? 0);

  const entry = bodyEnd + CHECKSUM_BYTES;
  const key = entry + ROW_HEAD_BYTES;
  const { written } = text.encodeInto(String(id), bytes.subarray(key));
  assert(written > 0 && written <= ID_BYTES_MAX, 'an id has 1 to 256 bytes');
  assert(Number.isInteger(row) && row >= 0 && row <= ROWS_MAX, 'a row is a u32');
  const end = key + written;
  bytes[entry] = integer;
  view.setUint32(entry + 1, rowIdChecksum(row, integer, bytes, key, end), true);
  view.setUint32(bodyEnd, checksumOf(bytes, key, end, checksumOf(bytes, start, bodyEnd)), true);
  return { entry, key, end };
}

function encodeTombstones(rows: readonly number[], { tombstones }: EncodedChanges): void {
  const bytes = new Uint8Array(rows.length * CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, row] of rows.entries()) {
    view.setUint32(index * CHECKSUM_BYTES, checksumOfU32(row), true);
    tombstones.push(bytes.subarray(index * CHECKSUM_BYTES, (index + 1) * CHECKSUM_BYTES));
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
  const id = decoder.decode(bytes.subarray(ROW_HEAD_BYTES));
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
