// Reading of stored vectors by row, from memory-mapped segment files or from shared memory. Runs on any thread.

import { type RowShape, rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { mapFile, willNeed } from './mapped-file.js';
import { PROBE_ROWS, ReadAhead } from './read-ahead.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES, segmentBytes } from './segment-header.js';

/** Where the vectors of a collection or a generation are; can be posted to a worker. */
export interface VectorsDescriptor extends RowShape {
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

/** Rows to read, ascending: `numbers` from `first` to `end`, each plus `shift`. */
export interface RowList {
  numbers: Uint32Array;
  first: number;
  end: number;
  shift: number;
}

/** Where the rows of a list go, `batchRows` at a time, each batch over the one before. */
export interface RowSink {
  target: Uint8Array;
  batchRows: number;
  /** `count` rows are in the target, the first of which is number `first` of the list. */
  take(first: number, count: number): void;
}

interface OpenSegment {
  descriptor: SegmentDescriptor;
  filled: Uint32Array | null;
  /** The rows, of the map or the buffer; null until the first read. */
  rows: Uint8Array | null;
  /** The map, if it is one, and how far a scan has asked for its pages. */
  map: Uint8Array | null;
  askedFrom: number;
  askedTo: number;
}

/** In rows up to this long each line of the cache is touched; in longer ones the processor sees what comes next by itself. */
const SHORT_ROW_BYTES = 512;
const LINE_BYTES = 64;
/** Pages between two rows that are read along rather than leaving a gap: a request costs more than its length. */
const GAP_BYTES = 4 * 4096;
/** What a scan asks for ahead of itself. */
const SCAN_AHEAD_BYTES = 2 * 1024 * 1024;

/** Reads rows through a descriptor, also those that are appended to its segments later on. */
export class VectorReader {
  readonly shape: RowShape;
  readonly #rowBytes: number;
  readonly #touchStep: number;
  readonly #segments: OpenSegment[];
  readonly #readAhead = new ReadAhead();
  readonly #hasMaps: boolean;
  #last: OpenSegment | undefined;
  /** Keeps the loads of `#touch` from being left out. */
  #touched = 0;

  constructor({ segments, dimension, precision }: VectorsDescriptor) {
    this.shape = { dimension, precision };
    this.#rowBytes = rowBytes(this.shape);
    this.#touchStep = this.#rowBytes <= SHORT_ROW_BYTES ? LINE_BYTES : this.#rowBytes;
    this.#hasMaps = segments.some(({ buffer }) => buffer === undefined);
    this.#segments = segments.map((segment) => ({
      descriptor: segment,
      filled: segment.filled === undefined ? null : new Uint32Array(segment.filled),
      rows: null,
      map: null,
      askedFrom: 0,
      askedTo: 0,
    }));
    this.#last = this.#segments[0];
  }

  /** First row behind those that can be read by now; 0 without segments. */
  get rowEnd(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.descriptor.firstRow + filledRows(last);
  }

  /**
   * The stored vector of a row, without a copy: valid as long as it is referenced, never to be written to.
   * @throws RangeError for a row that is not there
   */
  get(row: number): Uint8Array {
    const segment = this.#segmentOf(row);
    const index = row - segment.descriptor.firstRow;
    const bytes = this.#bytesOf(segment, index + 1);
    return bytes.subarray(index * this.#rowBytes, (index + 1) * this.#rowBytes);
  }

  /** Copies `count` rows from `first` on into `target`, which may hold more. @throws RangeError */
  copyRange(first: number, count: number, target: Uint8Array): void {
    if (count * this.#rowBytes > target.length)
      throw new RangeError(`the target has no room for ${count} rows`);
    for (let done = 0; done < count; ) {
      const row = first + done;
      const segment = this.#segmentOf(row);
      const index = row - segment.descriptor.firstRow;
      const rows = Math.min(count - done, filledRows(segment) - index);
      const bytes = this.#bytesOf(segment, index + rows);
      this.#askAhead(segment, index * this.#rowBytes, (index + rows) * this.#rowBytes);
      target.set(
        bytes.subarray(index * this.#rowBytes, (index + rows) * this.#rowBytes),
        done * this.#rowBytes,
      );
      done += rows;
    }
  }

  /** Copies listed rows to a sink; where they come from the disk it is asked for many at once. @throws RangeError */
  copyListed(list: RowList, sink: RowSink): void {
    const { first, end } = list;
    const head = this.#hasMaps ? this.#readHead(list) : first;
    for (let start = first; start < end; start += sink.batchRows) {
      const batchEnd = Math.min(end, start + sink.batchRows);
      this.#touch(list, Math.max(head, start), batchEnd);
      for (let i = start; i < batchEnd; i++) {
        const row = (list.numbers[i] as number) + list.shift;
        sink.target.set(this.get(row), (i - start) * this.#rowBytes);
      }
      if (batchEnd === end && this.#hasMaps) this.#readAhead.end(end - first);
      sink.take(start, batchEnd - start);
    }
  }

  /** Touches the first rows of a list and has the others asked for where need be; returns the first not touched. */
  #readHead(list: RowList): number {
    const { first, end } = list;
    if (this.#readAhead.begin()) {
      this.#ask(list, first);
      return first;
    }
    const headEnd = Math.min(end, first + PROBE_ROWS);
    for (let i = first; i < headEnd; i++) {
      this.#touch(list, i, i + 1);
      if (!this.#readAhead.probe()) continue;
      this.#ask(list, i + 1);
      return i + 1;
    }
    return headEnd;
  }

  /**
   * Checks that the files fit their descriptor and are long enough for all rows below `rowEnd`.
   * Blocks for one small read a file.
   * @throws storage_corrupt
   */
  validate(rowEnd: number): void {
    const { dimension, precision } = this.shape;
    for (const [index, { descriptor }] of this.#segments.entries()) {
      const { path, firstRow, rows } = descriptor;
      const header = readSegmentHeader(path);
      const fits = header.dimension === dimension && header.precision === precision;
      if (!fits || header.firstRow !== firstRow || header.capacityRows < rows) {
        throw new ServiceError('storage_corrupt', {
          path,
          reason:
            `its header says dimension ${header.dimension}, ${header.precision}, first row ${header.firstRow}, ` +
            `capacity ${header.capacityRows}; expected ${dimension}, ${precision}, ${firstRow}, ${rows}`,
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

  /**
   * Loads a byte of each line of short rows, the first and the last of long ones, one straight after the other, so that
   * what they miss (the cache, the TLB) is waited for together and not row by row, with a copy in between.
   */
  #touch({ numbers, shift }: RowList, first: number, end: number): void {
    let sum = 0;
    for (let i = first; i < end; i++) {
      const row = (numbers[i] as number) + shift;
      const segment = this.#segmentOf(row);
      const index = row - segment.descriptor.firstRow;
      const bytes = this.#bytesOf(segment, index + 1);
      const last = (index + 1) * this.#rowBytes - 1;
      for (let at = index * this.#rowBytes; at < last; at += this.#touchStep) sum += bytes[at] as number;
      sum += bytes[last] as number;
    }
    this.#touched = (this.#touched + sum) & 0xff;
  }

  /** Lets the kernel read the pages of the list's rows from number `from` on, neighbouring ones by one request. */
  #ask({ numbers, end, shift }: RowList, from: number): void {
    for (let i = from; i < end; ) {
      const row = (numbers[i] as number) + shift;
      const segment = this.#segmentOf(row);
      this.#bytesOf(segment, row - segment.descriptor.firstRow + 1);
      const start = this.#offsetOf(segment, row);
      let stop = start + this.#rowBytes;
      for (i++; i < end; i++) {
        const next = (numbers[i] as number) + shift;
        const offset = this.#offsetOf(segment, next);
        if (offset > stop + GAP_BYTES || !holds(segment, next)) break;
        stop = offset + this.#rowBytes;
      }
      if (segment.map !== null) willNeed(segment.map, start, stop - start);
    }
    this.#readAhead.asked();
  }

  /** Keeps the requests of a scan ahead of it. */
  #askAhead(segment: OpenSegment, start: number, stop: number): void {
    if (segment.map === null) return;
    if (start < segment.askedFrom || start > segment.askedTo) {
      segment.askedFrom = start;
      segment.askedTo = start;
    }
    if (stop + SCAN_AHEAD_BYTES / 2 <= segment.askedTo) return;
    const length = Math.max(SCAN_AHEAD_BYTES, stop - segment.askedTo);
    willNeed(segment.map, SEGMENT_HEADER_BYTES + segment.askedTo, length);
    segment.askedTo += length;
  }

  /** Place of a row in its file. */
  #offsetOf({ descriptor }: OpenSegment, row: number): number {
    return SEGMENT_HEADER_BYTES + (row - descriptor.firstRow) * this.#rowBytes;
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

  /** The segment's rows, at least the first `rows` of them. */
  #bytesOf(segment: OpenSegment, rows: number): Uint8Array {
    const { rows: known } = segment;
    return known !== null && rows * this.#rowBytes <= known.length ? known : this.#open(segment);
  }

  #open(segment: OpenSegment): Uint8Array {
    const { path, rows, buffer } = segment.descriptor;
    if (buffer !== undefined) {
      segment.rows = new Uint8Array(buffer, 0, filledRows(segment) * this.#rowBytes);
    } else {
      const map = mapFile(path, {
        byteLength: segmentBytes(this.shape, rows),
        validBytes: segmentBytes(this.shape, filledRows(segment)),
        random: true,
      });
      segment.map = map;
      segment.rows = map.subarray(SEGMENT_HEADER_BYTES);
    }
    return segment.rows;
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
