// Writing of segment files: asynchronously on the main thread, synchronously on the threads of a build.

import { strict as assert } from 'node:assert';
import { writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { rowBytes } from '../contract/stored-vector.js';
import { readFully, writeFully } from './files.js';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentShape,
  segmentBytes,
  segmentCapacityRows,
} from './segment-header.js';

/** What writing of vectors needs of a segment file. */
export interface SegmentFile {
  readonly shape: SegmentShape;
  /** Writes whole rows from the file's row `rowIndex` on (0 = the file's first row), over what stands there. */
  write(rowIndex: number, bytes: Uint8Array): Promise<void>;
  /** Makes everything written before durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export class SegmentWriter implements SegmentFile {
  readonly shape: SegmentShape;
  readonly #file: FileHandle;

  private constructor(file: FileHandle, shape: SegmentShape) {
    this.#file = file;
    this.shape = shape;
  }

  /** Creates a file that must not exist; the directory is the caller's to fsync. Capacity: the most that can be mapped. */
  static async create(path: string, { capacityRows, ...given }: NewSegment): Promise<SegmentWriter> {
    const shape = { ...given, capacityRows: capacityRows ?? segmentCapacityRows(given) };
    const header = encodeSegmentHeader(shape);
    const file = await open(path, 'wx+');
    try {
      await writeFully(file, header, 0);
      return new SegmentWriter(file, shape);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** @throws storage_corrupt when the header is damaged */
  static async open(path: string): Promise<SegmentWriter> {
    const file = await open(path, 'r+');
    try {
      const header = new Uint8Array(SEGMENT_HEADER_BYTES);
      const read = await readFully(file, header, 0);
      return new SegmentWriter(file, decodeSegmentHeader(header.subarray(0, read), path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async write(rowIndex: number, bytes: Uint8Array): Promise<void> {
    checkRows(this.shape, rowIndex, bytes);
    await writeFully(this.#file, bytes, segmentBytes(this.shape, rowIndex));
  }

  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** `capacityRows` may be left out: the most that can be mapped. */
export type NewSegment = Omit<SegmentShape, 'capacityRows'> & { capacityRows?: number };

/** `SegmentWriter.write` for a thread that may block, on a file descriptor it opened for writing. */
export function writeRowsSync(fd: number, shape: SegmentShape, rowIndex: number, bytes: Uint8Array): void {
  checkRows(shape, rowIndex, bytes);
  const position = segmentBytes(shape, rowIndex);
  let done = 0;
  while (done < bytes.byteLength) {
    done += writeSync(fd, bytes, done, bytes.byteLength - done, position + done);
  }
}

function checkRows(shape: SegmentShape, rowIndex: number, bytes: Uint8Array): void {
  const rows = bytes.byteLength / rowBytes(shape);
  assert(Number.isInteger(rows), 'only whole rows can be written');
  assert(
    Number.isInteger(rowIndex) && rowIndex >= 0 && rowIndex + rows <= shape.capacityRows,
    'rows outside of the segment',
  );
}
