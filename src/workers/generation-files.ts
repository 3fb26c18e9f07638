// A generation on disk: the index file (everything of its memory that does not change) and the leaf-ordered vectors.
// Written by the threads of a build, read on the main thread when a collection is opened.

import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Precision } from '../contract/index-settings.js';
import { type RowShape, rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { allocateMemory, growMemory } from '../index/allocate-memory.js';
import type { Calibration } from '../index/calibration.js';
import { CodeMemory } from '../index/code-memory.js';
import { GENERATION_FORMAT_VERSION, Generation } from '../index/generation.js';
import { WORD } from '../index/memory-layout.js';
import type { IndexSettings } from '../index/settings.js';
import { readCheckedFile, type Section, writeCheckedFile } from '../storage/checked-file.js';
import { preferHugePages } from '../storage/huge-pages.js';
import { openRowTable, type RowTable } from '../storage/row-table.js';
import { SegmentWriter, writeRowsSync } from '../storage/segment.js';
import { segmentPath } from '../storage/segment-files.js';
import { type SegmentShape, segmentCapacityRows } from '../storage/segment-header.js';
import type { VectorsDescriptor } from '../storage/vectors.js';

const INDEX_FILE = { magic: 'COPINDEX', version: GENERATION_FORMAT_VERSION };
/** The rows come first, so that mapping them maps nothing else. Code memories are numbered from the last id on. */
const SECTION = { memory: 1, description: 2, rows: 3, codeMemories: 16 } as const;

function indexPath(directory: string): string {
  return join(directory, 'index.bin');
}

/** Where the vectors of `slots` slots lie in a generation's directory. */
export function leafVectorsDescriptor(directory: string, shape: RowShape, slots: number): VectorsDescriptor {
  const capacity = segmentCapacityRows(shape);
  const segments = [];
  for (let firstRow = 0; firstRow < slots; firstRow += capacity) {
    segments.push({
      path: segmentPath(directory, firstRow),
      firstRow,
      rows: Math.min(capacity, slots - firstRow),
    });
  }
  return { ...shape, segments };
}

/** Creates the empty vector files of a new generation. */
export async function createLeafVectors(directory: string, shape: RowShape, slots: number): Promise<void> {
  for (const { path, firstRow, rows } of leafVectorsDescriptor(directory, shape, slots).segments) {
    const file = await SegmentWriter.create(path, { ...shape, firstRow, capacityRows: rows });
    await file.close();
  }
}

/** Writes vectors by slot into the files that `createLeafVectors` made. Blocks: for the threads of a build. */
export class LeafVectorsWriter {
  readonly #files: { fd: number; shape: SegmentShape }[];
  readonly #rowBytes: number;

  constructor(directory: string, rowShape: RowShape, slots: number) {
    this.#rowBytes = rowBytes(rowShape);
    this.#files = leafVectorsDescriptor(directory, rowShape, slots).segments.map(
      ({ path, firstRow, rows }) => ({
        fd: openSync(path, 'r+'),
        shape: { ...rowShape, firstRow, capacityRows: rows },
      }),
    );
  }

  /** Whole stored vectors. */
  write(firstSlot: number, vectors: Uint8Array): void {
    const stride = this.#rowBytes;
    const end = firstSlot + vectors.length / stride;
    for (const { fd, shape } of this.#files) {
      const from = Math.max(firstSlot, shape.firstRow);
      const to = Math.min(end, shape.firstRow + shape.capacityRows);
      if (from >= to) continue;
      writeRowsSync(
        fd,
        shape,
        from - shape.firstRow,
        vectors.subarray((from - firstSlot) * stride, (to - firstSlot) * stride),
      );
    }
  }

  /** Makes what any thread wrote durable. */
  sync(): void {
    for (const { fd } of this.#files) fsyncSync(fd);
  }

  close(): void {
    for (const { fd } of this.#files) closeSync(fd);
  }
}

/** What is known of a build beside the index itself. */
export interface BuildFacts {
  /** Levels of the tree. */
  depth: number;
  /** When the build ended, ISO 8601. */
  builtAt: string;
  buildSeconds: number;
  /** Null where there are too few vectors for one. */
  calibration: Calibration | null;
  /** Threads that built it; absent in files from before that was kept. */
  threads?: number;
}

interface Description {
  settings: IndexSettings;
  facts: BuildFacts;
}

/** Writes the index file, durably; returns where the table of rows is in it. */
export async function saveGeneration(
  generation: Generation,
  facts: BuildFacts,
  directory: string,
): Promise<RowTable> {
  const memory = generation.bytes(0, generation.layout.fileBytes);
  // The header's first words change while the generation serves; in the file they are zero.
  const header = memory.slice(0, 64);
  header.fill(0, 0, WORD.formatVersion * 4);
  const description: Description = { settings: generation.settings, facts };
  const path = indexPath(directory);
  const { slotRows } = generation;
  const rows = new Uint8Array(slotRows.buffer, slotRows.byteOffset, slotRows.byteLength);
  const sections = await writeCheckedFile(path, INDEX_FILE, [
    { id: SECTION.rows, parts: [rows] },
    { id: SECTION.memory, parts: [header, memory.subarray(64)] },
    ...generation.codeMemories.map(({ memory, fileBytes }, i) => ({
      id: SECTION.codeMemories + i,
      parts: [new Uint8Array(memory.buffer, 0, fileBytes)],
    })),
    { id: SECTION.description, parts: [new TextEncoder().encode(JSON.stringify(description))] },
  ]);
  return rowTable(path, sections);
}

export interface LoadedGeneration {
  generation: Generation;
  facts: BuildFacts;
  leafVectors: VectorsDescriptor;
  slotRows: RowTable;
}

/**
 * Reads a generation back, every block checked, without a rebuild; `precision` is that of its vectors' files. `allocating`
 * is told how many bytes it will have allocated then, before each memory, and may refuse that.
 * @throws storage_corrupt, what `allocating` throws
 */
export async function loadGeneration(
  directory: string,
  precision: Precision,
  allocating: (bytes: number) => void = () => {},
): Promise<LoadedGeneration> {
  const path = indexPath(directory);
  const memories: WebAssembly.Memory[] = [];
  let allocated = 0;
  let json = new Uint8Array();
  const sections = await readCheckedFile(path, INDEX_FILE, (id, bytes) => {
    // Read to be checked; searches use the file.
    if (id === SECTION.rows) return new Uint8Array(bytes);
    if (id === SECTION.memory || id >= SECTION.codeMemories) {
      allocated += bytes;
      allocating(allocated);
      const memory = allocateMemory(bytes);
      preferHugePages(memory);
      memories.push(memory);
      return new Uint8Array(memory.buffer, 0, bytes);
    }
    if (id !== SECTION.description)
      throw new ServiceError('storage_corrupt', { path, reason: `it has a section ${id} that nobody knows` });
    json = new Uint8Array(bytes);
    return json;
  });
  const [memory, ...others] = memories;
  if (memory === undefined || json.length === 0) {
    throw new ServiceError('storage_corrupt', { path, reason: 'a section is missing' });
  }
  const { settings, facts } = JSON.parse(new TextDecoder().decode(json)) as Description;
  // The regions that no file holds come behind those it does.
  growTo(memory, new Uint32Array(memory.buffer, 0, WORD.end + 1)[WORD.end] as number);
  for (const other of others) growTo(other, CodeMemory.endOf(other));
  const slotRows = rowTable(path, sections);
  const generation = new Generation(memories, settings, openRowTable(slotRows));
  return {
    generation,
    facts,
    leafVectors: leafVectorsDescriptor(
      directory,
      { dimension: settings.dimension, precision },
      generation.slots,
    ),
    slotRows,
  };
}

function growTo(memory: WebAssembly.Memory, bytes: number): void {
  if (bytes > memory.buffer.byteLength) growMemory(memory, bytes - memory.buffer.byteLength);
}

/** @throws storage_corrupt */
function rowTable(path: string, sections: readonly Section[]): RowTable {
  const section = sections.find(({ id }) => id === SECTION.rows);
  if (section === undefined)
    throw new ServiceError('storage_corrupt', { path, reason: 'a section is missing' });
  const count = section.bytes / Uint32Array.BYTES_PER_ELEMENT;
  return { path, byteOffset: section.offset, count };
}
