// Loading of a segment file into shared memory, for the `memory` backend. Runs on any thread.

/// <reference lib="es2024.sharedmemory" />

import { open } from 'node:fs/promises';
import { rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { readFully } from './files.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentShape } from './segment-header.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

/** Memory for a segment's rows: empty at first, growing in place up to the segment's capacity. */
export function allocateSegment(shape: SegmentShape): SharedArrayBuffer {
  return new SharedArrayBuffer(0, { maxByteLength: shape.capacityRows * rowBytes(shape) });
}

/**
 * Reads the first `rows` rows of a file into memory that can grow to the file's capacity, in chunks.
 * @throws storage_corrupt when the header is damaged or rows are missing
 */
export async function loadSegment(path: string, rows: number): Promise<SharedArrayBuffer> {
  const file = await open(path, 'r');
  try {
    const header = new Uint8Array(SEGMENT_HEADER_BYTES);
    const shape = decodeSegmentHeader(header.subarray(0, await readFully(file, header, 0)), path);
    if (rows > shape.capacityRows) throw tooShort(path, shape.capacityRows, rows);
    const buffer = allocateSegment(shape);
    const bytes = rows * rowBytes(shape);
    buffer.grow(bytes);
    for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
      const chunk = new Uint8Array(buffer, offset, Math.min(CHUNK_BYTES, bytes - offset));
      const read = await readFully(file, chunk, SEGMENT_HEADER_BYTES + offset);
      if (read < chunk.byteLength) {
        throw tooShort(path, Math.floor((offset + read) / rowBytes(shape)), rows);
      }
    }
    return buffer;
  } finally {
    await file.close();
  }
}

function tooShort(path: string, rows: number, needed: number): ServiceError {
  return new ServiceError('storage_corrupt', {
    path,
    reason: `it has ${rows} rows where at least ${needed} are needed`,
  });
}
