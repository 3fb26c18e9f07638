// Reading of full vectors by row, from memory-mapped segment files or from shared memory. Runs on any thread.

import { ServiceError } from '../errors.js';
import { mapFile, willNeed } from './mapped-file.js';
import { readSegmentHeader, rowBytes, SEGMENT_HEADER_BYTES, segmentBytes } from './segment-header.js';

/** Where the vectors of a collection or a generation are; can be posted to a worker. */
export interface VectorsDescriptor {
  dimension: number;
  /** In order of `firstRow`, without overlap. */
  segments: SegmentDescriptor[];
}

export interface SegmentDescriptor {
  path: string;
  firstRow: number;
  /** Rows there is room for; all of them are there when `filled` is absent. */
  rows: number;
  /** Backend `memory`: the rows of the file, without its header. Grows in place. Absent: the file is mapped. */
  buffer?: SharedArrayBuffer;
  /** A file that still grows: one u32, the rows that are there by now. Stored atomically, after the rows are durable. */
  filled?: SharedArrayBuffer;
}

interface OpenSegment {
  descriptor: SegmentDescriptor;
  filled: Uint32Array | null;
  /** The map or the buffer; null until the first read. */
  bytes: { buffer: ArrayBufferLike; offset: number; map: Uint8Array | null } | null;
}

/** Reads rows through a descriptor, also those that are appended to its segments later on. */
export class VectorReader {
  readonly dimension: number;
  readonly #rowBytes: number;
  readonly #segments: OpenSegment[];
  #last: OpenSegment | undefined;

  constructor(descriptor: VectorsDescriptor) {
    this.dimension = descriptor.dimension;
    this.#rowBytes = rowBytes(descriptor.dimension);
    this.#segments = descriptor.segments.map((segment) => ({
      descriptor: segment,
      filled: segment.filled === undefined ? null : new Uint32Array(segment.filled),
      bytes: null,
    }));
    this.#last = this.#segments[0];
  }

  /** First row behind those that can be read by now; 0 without segments. */
  get rowEnd(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.descriptor.firstRow + filledRows(last);
  }

  /**
   * The vector of a row, without a copy: valid as long as it is referenced, never to be written to.
   * @throws RangeError for a row that is not there
   */
  get(row: number): Float32Array {
    const segment = this.#segmentOf(row);
    const { buffer, offset } = segment.bytes ?? this.#open(segment);
    return new Float32Array(
      buffer,
      offset + (row - segment.descriptor.firstRow) * this.#rowBytes,
      this.dimension,
    );
  }

  /** Copies `count` rows from `first` on into `target`, which may hold more. @throws RangeError */
  copyRange(first: number, count: number, target: Float32Array): void {
    if (count * this.dimension > target.length)
      throw new RangeError(`the target has no room for ${count} rows`);
    for (let done = 0; done < count; ) {
      const row = first + done;
      const segment = this.#segmentOf(row);
      const index = row - segment.descriptor.firstRow;
      const rows = Math.min(count - done, filledRows(segment) - index);
      const { buffer, offset } = segment.bytes ?? this.#open(segment);
      const source = new Float32Array(buffer, offset + index * this.#rowBytes, rows * this.dimension);
      target.set(source, done * this.dimension);
      done += rows;
    }
  }

  /** Lets the kernel read the pages of these rows ahead; about 1 us a row. Nothing to do for rows in memory. */
  willNeed(rows: Iterable<number>): void {
    for (const row of rows) {
      const segment = this.#segmentOf(row);
      const { map } = segment.bytes ?? this.#open(segment);
      if (map === null) continue;
      const offset = SEGMENT_HEADER_BYTES + (row - segment.descriptor.firstRow) * this.#rowBytes;
      willNeed(map, offset, this.#rowBytes);
    }
  }

  /**
   * Checks that the files fit their descriptor and are long enough for all rows below `rowEnd`.
   * Blocks for one small read a file.
   * @throws storage_corrupt
   */
  validate(rowEnd: number): void {
    for (const [index, { descriptor }] of this.#segments.entries()) {
      const { path, firstRow, rows } = descriptor;
      const header = readSegmentHeader(path);
      if (header.dimension !== this.dimension || header.firstRow !== firstRow || header.capacityRows < rows) {
        throw new ServiceError('storage_corrupt', {
          path,
          reason:
            `its header says dimension ${header.dimension}, first row ${header.firstRow}, ` +
            `capacity ${header.capacityRows}; expected ${this.dimension}, ${firstRow}, ${rows}`,
        });
      }
      // A file may have been left before it was full.
      const end = Math.min(rowEnd, this.#segments[index + 1]?.descriptor.firstRow ?? rowEnd);
      const needed = Math.min(rows, Math.max(0, end - firstRow));
      if (header.fileRows < needed) {
        throw new ServiceError('storage_corrupt', {
          path,
          reason: `it has ${header.fileRows} rows where at least ${needed} are needed`,
        });
      }
    }
  }

  #segmentOf(row: number): OpenSegment {
    if (this.#last !== undefined && holds(this.#last, row)) return this.#last;
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as OpenSegment).descriptor.firstRow <= row) low = middle + 1;
      else high = middle;
    }
    const segment = this.#segments[low - 1];
    if (segment === undefined || !holds(segment, row)) throw new RangeError(`row ${row} is not there`);
    this.#last = segment;
    return segment;
  }

  #open(segment: OpenSegment): NonNullable<OpenSegment['bytes']> {
    const { path, rows, buffer } = segment.descriptor;
    if (buffer !== undefined) {
      segment.bytes = { buffer, offset: 0, map: null };
    } else {
      const map = mapFile(path, {
        byteLength: segmentBytes(this.dimension, rows),
        validBytes: segmentBytes(this.dimension, filledRows(segment)),
        random: true,
      });
      segment.bytes = { buffer: map.buffer, offset: map.byteOffset + SEGMENT_HEADER_BYTES, map };
    }
    return segment.bytes;
  }
}

function filledRows(segment: OpenSegment): number {
  // An acquire load: whoever sees the count sees the rows that were written before it was stored.
  return segment.filled === null ? segment.descriptor.rows : Atomics.load(segment.filled, 0);
}

function holds(segment: OpenSegment, row: number): boolean {
  const index = row - segment.descriptor.firstRow;
  return Number.isInteger(row) && index >= 0 && index < filledRows(segment);
}
