// The appended vectors of one collection: segment files written at the end, rolled and dropped. Runs on the main thread.

import { strict as assert } from 'node:assert';
import { type RowShape, rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { ROWS_MAX } from '../limits.js';
import { failureText, freeBytes, fsyncDirectory, isSystemError, removeDurable } from './files.js';
import { type NewSegment, type SegmentFile, SegmentWriter } from './segment.js';
import { listSegments, segmentPath } from './segment-files.js';
import { type SegmentShape, segmentCapacityRows } from './segment-header.js';
import { allocateSegment, loadSegment } from './segment-loading.js';
import { TaskQueue } from './task-queue.js';
import type { SegmentDescriptor, VectorsDescriptor } from './vectors.js';

export type VectorBackend = 'mmap' | 'memory';

export interface PendingSegmentsOptions {
  directory: string;
  rows: RowShape;
  /** Rows below are in the generation: files with nothing else are removed. */
  rowBase: number;
  /** The committed end: rows from here on are garbage of a crash and get overwritten. */
  rowEnd: number;
  backend: VectorBackend;
  /** Rows of a new file; the most that can be mapped unless told. */
  segmentRows?: number;
  /** Where files are created and opened; the disk unless told. */
  files?: SegmentFiles;
}

export interface SegmentFiles {
  create(path: string, shape: NewSegment): Promise<SegmentFile>;
  open(path: string): Promise<SegmentFile>;
}

interface PendingSegment {
  path: string;
  file: SegmentFile;
  shape: SegmentShape;
  /** One u32 shared with all readers: the durable rows of this file. */
  filled: SharedArrayBuffer;
  buffer: SharedArrayBuffer | null;
  /** Rows written since the last sync. */
  dirty: boolean;
}

/** Calls may overlap: they take effect one after the other, in the order they were made. */
export class PendingSegments {
  readonly #options: PendingSegmentsOptions;
  readonly #files: SegmentFiles;
  readonly #queue = new TaskQueue();
  readonly #segments: PendingSegment[] = [];
  #backend: VectorBackend;
  #nextRow: number;
  /** The next append starts a new file. */
  #sealed = false;
  /** Why writes are stopped; null while they are not. */
  #failure: string | null = null;

  private constructor(options: PendingSegmentsOptions) {
    this.#options = options;
    this.#files = options.files ?? SegmentWriter;
    this.#backend = options.backend;
    this.#nextRow = options.rowEnd;
  }

  /**
   * Opens what is there, after removing files without any row between `rowBase` and `rowEnd`.
   * @throws storage_corrupt when a committed row is missing or a header is damaged
   */
  static async open(options: PendingSegmentsOptions): Promise<PendingSegments> {
    const pending = new PendingSegments(options);
    try {
      for (const { path, shape, rows } of await listSegments(options)) {
        const file = await pending.#files.open(path);
        const segment: PendingSegment = {
          path,
          file,
          shape,
          filled: counter(rows),
          buffer: null,
          dirty: false,
        };
        pending.#segments.push(segment);
        if (options.backend === 'memory') segment.buffer = await loadSegment(path, rows);
      }
      return pending;
    } catch (error) {
      await pending.close();
      throw error;
    }
  }

  /** The row that the next append will give its first vector. */
  get nextRow(): number {
    return this.#nextRow;
  }

  get backend(): VectorBackend {
    return this.#backend;
  }

  /** Bytes of vectors kept in memory: 0 for the `mmap` backend. */
  get memoryBytes(): number {
    return this.#segments.reduce((sum, { buffer }) => sum + (buffer?.byteLength ?? 0), 0);
  }

  /** For readers on any thread. Stays right while files grow; rows in files begun later need a new descriptor. */
  descriptor(): VectorsDescriptor {
    const segments = this.#segments.map(({ path, shape, filled, buffer }) => {
      const segment: SegmentDescriptor = { path, firstRow: shape.firstRow, rows: shape.capacityRows, filled };
      if (buffer !== null) segment.buffer = buffer;
      return segment;
    });
    return { ...this.#options.rows, segments };
  }

  /**
   * Writes stored vectors behind the last row; they are not durable and not to be read before `sync`.
   * Returns the row of the first. After an error nothing is appended.
   * @throws disk_full, collection_full, writes_stopped
   */
  append(vectors: Uint8Array): Promise<number> {
    return this.#queue.run(async () => {
      this.#assertWritable();
      const stride = rowBytes(this.#options.rows);
      const rows = vectors.length / stride;
      assert(Number.isInteger(rows), 'only whole vectors can be appended');
      const firstRow = this.#nextRow;
      if (firstRow + rows > ROWS_MAX)
        throw new ServiceError('collection_full', { name: 'it', rowsMax: ROWS_MAX });
      try {
        for (let done = 0; done < rows; ) {
          const segment = await this.#segmentFor(firstRow + done);
          const index = firstRow + done - segment.shape.firstRow;
          const count = Math.min(rows - done, segment.shape.capacityRows - index);
          await writeRows(segment, index, vectors.subarray(done * stride, (done + count) * stride));
          done += count;
        }
      } catch (error) {
        throw await this.#writeFailure(error);
      }
      this.#nextRow = firstRow + rows;
      return firstRow;
    });
  }

  /**
   * Makes all appended rows durable and lets readers see them.
   * @throws writes_stopped when the disk fails: what it kept is unknown then, so that a second try would prove nothing
   */
  sync(): Promise<void> {
    return this.#queue.run(async () => {
      this.#assertWritable();
      const dirty = this.#segments.filter((segment) => segment.dirty);
      try {
        await Promise.all(dirty.map((segment) => segment.file.sync()));
      } catch (error) {
        throw this.#stop(error);
      }
      for (const segment of dirty) {
        segment.dirty = false;
        const rows = Math.min(this.#nextRow - segment.shape.firstRow, segment.shape.capacityRows);
        Atomics.store(new Uint32Array(segment.filled), 0, rows);
      }
    });
  }

  /** Lets the next append start a new file, so that the files until now can be dropped together. */
  roll(): Promise<void> {
    return this.#queue.run(async () => {
      this.#sealed = true;
    });
  }

  /** Takes back the rows from `row` on: their commit failed. Rows given out by a commit must never be taken back. */
  rewind(row: number): Promise<void> {
    return this.#queue.run(async () => {
      assert(
        row >= this.#options.rowEnd && row <= this.#nextRow,
        'rows can be taken back only to a committed row',
      );
      this.#nextRow = row;
      while (this.#segments.length > 0) {
        const last = this.#segments.at(-1) as PendingSegment;
        if (last.shape.firstRow < row) {
          const filled = new Uint32Array(last.filled);
          Atomics.store(filled, 0, Math.min(row - last.shape.firstRow, Atomics.load(filled, 0)));
          return;
        }
        await this.#remove(last);
      }
    });
  }

  /** Removes the files whose rows are all below `row`: a generation holds them durably. Maps of them stay readable. */
  dropBefore(row: number): Promise<void> {
    return this.#queue.run(async () => {
      const dropped = this.#segments.filter((_, index) => this.#endOf(index) <= row);
      for (const segment of dropped) await this.#remove(segment);
    });
  }

  /** Moves the vectors into memory, or out of it; descriptors given out before stay valid. */
  setBackend(backend: VectorBackend): Promise<void> {
    return this.#queue.run(async () => {
      const buffers: (SharedArrayBuffer | null)[] = [];
      for (const [index, { path, shape }] of this.#segments.entries()) {
        buffers.push(
          backend === 'memory' ? await loadSegment(path, this.#endOf(index) - shape.firstRow) : null,
        );
      }
      for (const [index, segment] of this.#segments.entries()) segment.buffer = buffers[index] ?? null;
      this.#backend = backend;
    });
  }

  close(): Promise<void> {
    return this.#queue.run(async () => {
      this.#failure ??= 'the collection is closed';
      for (const segment of this.#segments.splice(0)) await segment.file.close();
    });
  }

  /** The row behind the last one of a file. */
  #endOf(index: number): number {
    return this.#segments[index + 1]?.shape.firstRow ?? this.#nextRow;
  }

  async #segmentFor(row: number): Promise<PendingSegment> {
    const last = this.#segments.at(-1);
    if (last !== undefined) {
      const index = row - last.shape.firstRow;
      // A sealed file without rows is as good as a new one.
      if (index < last.shape.capacityRows && (!this.#sealed || index === 0)) {
        this.#sealed = false;
        return last;
      }
    }
    const { directory, rows, segmentRows = segmentCapacityRows(rows) } = this.#options;
    const path = segmentPath(directory, row);
    // Left behind by an append that failed half-way: no row of it was ever committed.
    await removeDurable(path);
    const file = await this.#files.create(path, { ...rows, firstRow: row, capacityRows: segmentRows });
    const buffer = this.#backend === 'memory' ? allocateSegment(file.shape) : null;
    const segment = { path, file, shape: file.shape, filled: counter(0), buffer, dirty: true };
    this.#segments.push(segment);
    this.#sealed = false;
    try {
      await fsyncDirectory(directory);
    } catch (error) {
      throw this.#stop(error);
    }
    return segment;
  }

  async #remove(segment: PendingSegment): Promise<void> {
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await segment.file.close();
    await removeDurable(segment.path);
  }

  /** A full disk is no damage: rows may be appended again once there is room. Everything else stops the writes. */
  async #writeFailure(error: unknown): Promise<unknown> {
    if (error instanceof ServiceError || !(error instanceof Error && 'code' in error)) return error;
    if (!isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) return this.#stop(error);
    return new ServiceError('disk_full', { free: await freeBytes(this.#options.directory), reserve: 0 });
  }

  #stop(error: unknown): ServiceError {
    this.#failure ??= failureText(error);
    return new ServiceError('writes_stopped', { reason: this.#failure });
  }

  #assertWritable(): void {
    if (this.#failure !== null) throw new ServiceError('writes_stopped', { reason: this.#failure });
  }
}

async function writeRows(segment: PendingSegment, index: number, bytes: Uint8Array): Promise<void> {
  segment.dirty = true;
  await segment.file.write(index, bytes);
  if (segment.buffer === null) return;
  const offset = index * rowBytes(segment.shape);
  if (segment.buffer.byteLength < offset + bytes.byteLength) segment.buffer.grow(offset + bytes.byteLength);
  new Uint8Array(segment.buffer, offset, bytes.byteLength).set(bytes);
}

function counter(value: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT);
  new Uint32Array(shared)[0] = value;
  return shared;
}
