// Files of an index generation: sections of bytes with a crc32c for each 64 KiB. Runs on any thread; never blocks it
// for more than a megabyte of checksums.

import { type FileHandle, open } from 'node:fs/promises';
import { crc32c } from '@node-rs/crc32';
import {
  BLOCK_BYTES,
  blockCount,
  CHECKSUM_BYTES,
  type CheckedLayout,
  corruptFile,
  decodeLayout,
  decodeSectionCount,
  encodeHeader,
  FIXED_HEADER_BYTES,
  type FileKind,
  headerBytes,
  layOut,
  type Section,
} from './checked-layout.js';
import { isSystemError, readFully, writeFully } from './files.js';

export type { FileKind, Section } from './checked-layout.js';

const CHUNK_BYTES = 16 * BLOCK_BYTES;
/** One is checked while the other is read. */
const READS_AT_ONCE = 2;

export interface SectionSource {
  id: number;
  /** Written one behind the other; may be views of shared memory that nobody changes meanwhile. */
  parts: readonly Uint8Array[];
}

/**
 * Writes a file, over an old one if there is one, and makes its content durable. The directory is the caller's to fsync.
 * Until then the file may be there in part: only a commit elsewhere should make it count. Returns where the sections are.
 */
export async function writeCheckedFile(
  path: string,
  kind: FileKind,
  sections: readonly SectionSource[],
): Promise<readonly Section[]> {
  const layout = layOut(sections.map(({ id, parts }) => ({ id, bytes: totalBytes(parts) })));
  const table = new ChecksumTable(layout.sections);
  const file = await open(path, 'w');
  try {
    await writeFully(file, encodeHeader(kind, layout), 0);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (const [index, { offset }] of layout.sections.entries()) {
      let position = offset;
      for (const filled of gather((sections[index] as SectionSource).parts, chunk)) {
        table.append(filled);
        await writeFully(file, filled, position);
        position += filled.byteLength;
      }
    }
    await writeFully(file, table.bytes(), layout.tableOffset);
    await file.sync();
    return layout.sections;
  } finally {
    await file.close();
  }
}

/** A file whose header and block table are checked, its sections not yet read. */
export class CheckedFile {
  readonly sections: readonly Section[];
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #checksums: Uint32Array;

  private constructor(path: string, file: FileHandle, { sections }: CheckedLayout, checksums: Uint32Array) {
    this.#path = path;
    this.#file = file;
    this.sections = sections;
    this.#checksums = checksums;
  }

  /** @throws storage_corrupt */
  static async open(path: string, kind: FileKind): Promise<CheckedFile> {
    const file = await openForReading(path);
    try {
      const fixed = new Uint8Array(FIXED_HEADER_BYTES);
      const count = decodeSectionCount(fixed.subarray(0, await readFully(file, fixed, 0)), kind, path);
      const header = new Uint8Array(headerBytes(count));
      const read = await readFully(file, header, 0);
      if (read < header.byteLength) throw corruptFile(path, read, 'its header is cut off');
      const layout = decodeLayout(header, (await file.stat()).size, path);
      return new CheckedFile(path, file, layout, await readTable(file, layout, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Size of a section; undefined when the file has none of that id. */
  sectionBytes(id: number): number | undefined {
    return this.sections.find((section) => section.id === id)?.bytes;
  }

  /**
   * Reads a section into `target`, of exactly its size, which may be shared memory: new memory costs its first writer
   * most of the time, and here that is a thread of the system's own. The target is worth nothing unless this resolves.
   * @throws storage_corrupt, with the offset of the block
   */
  async read(id: number, target: Uint8Array): Promise<void> {
    const index = this.sections.findIndex((section) => section.id === id);
    const section = this.sections[index];
    if (section === undefined) throw corruptFile(this.#path, 0, `it has no section ${id}`);
    if (target.byteLength !== section.bytes) {
      throw new RangeError(`section ${id} has ${section.bytes} bytes, the target has ${target.byteLength}`);
    }
    const firstBlock = blockCount(this.sections.slice(0, index));
    let next = 0;
    const readOn = async (): Promise<void> => {
      while (next < section.bytes) {
        const start = next;
        next += CHUNK_BYTES;
        const part = target.subarray(start, Math.min(next, section.bytes));
        const offset = section.offset + start;
        const read = await readFully(this.#file, part, offset);
        if (read < part.byteLength) throw corruptFile(this.#path, offset + read, 'it is cut off');
        this.#check(part, offset, firstBlock + start / BLOCK_BYTES);
      }
    };
    await settleAll(Array.from({ length: READS_AT_ONCE }, readOn));
  }

  #check(part: Uint8Array, offset: number, firstBlock: number): void {
    for (let start = 0; start < part.byteLength; start += BLOCK_BYTES) {
      const checksum = this.#checksums[firstBlock + start / BLOCK_BYTES];
      if (crc32c(part.subarray(start, start + BLOCK_BYTES)) === checksum) continue;
      const reason = `the checksum of its block at byte ${offset + start} does not fit`;
      throw corruptFile(this.#path, offset + start, reason);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Reads all sections, each into the memory that `allocate` gives for it, and returns where they are.
 * @throws storage_corrupt
 */
export async function readCheckedFile(
  path: string,
  kind: FileKind,
  allocate: (id: number, bytes: number) => Uint8Array,
): Promise<readonly Section[]> {
  const file = await CheckedFile.open(path, kind);
  try {
    for (const { id, bytes } of file.sections) await file.read(id, allocate(id, bytes));
    return file.sections;
  } finally {
    await file.close();
  }
}

/** Resolves once none of them runs any longer: the file may be closed then. @throws what the first of them has thrown */
async function settleAll(reads: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(reads)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

class ChecksumTable {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #length = 0;

  constructor(sections: readonly Section[]) {
    this.#bytes = new Uint8Array((blockCount(sections) + 1) * CHECKSUM_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Whole blocks, or the end of a section. */
  append(chunk: Uint8Array): void {
    for (let start = 0; start < chunk.byteLength; start += BLOCK_BYTES) {
      this.#view.setUint32(this.#length, crc32c(chunk.subarray(start, start + BLOCK_BYTES)), true);
      this.#length += CHECKSUM_BYTES;
    }
  }

  bytes(): Uint8Array {
    this.#view.setUint32(this.#length, crc32c(this.#bytes.subarray(0, this.#length)), true);
    return this.#bytes;
  }
}

async function readTable(file: FileHandle, layout: CheckedLayout, path: string): Promise<Uint32Array> {
  const bytes = new Uint8Array(layout.fileBytes - layout.tableOffset);
  const read = await readFully(file, bytes, layout.tableOffset);
  if (read < bytes.byteLength)
    throw corruptFile(path, layout.tableOffset + read, 'its block table is cut off');
  const view = new DataView(bytes.buffer);
  const end = bytes.byteLength - CHECKSUM_BYTES;
  if (view.getUint32(end, true) !== crc32c(bytes.subarray(0, end))) {
    throw corruptFile(path, layout.tableOffset, 'the checksum of its block table does not fit');
  }
  return Uint32Array.from({ length: end / CHECKSUM_BYTES }, (_, index) =>
    view.getUint32(index * CHECKSUM_BYTES, true),
  );
}

/** The bytes of all parts, in pieces as long as `chunk`, the last one shorter. A piece is overwritten by the next. */
function* gather(parts: readonly Uint8Array[], chunk: Uint8Array): Generator<Uint8Array> {
  let filled = 0;
  for (const part of parts) {
    for (let done = 0; done < part.byteLength; ) {
      const count = Math.min(part.byteLength - done, chunk.byteLength - filled);
      chunk.set(part.subarray(done, done + count), filled);
      done += count;
      filled += count;
      if (filled === chunk.byteLength) {
        yield chunk;
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

function totalBytes(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw corruptFile(path, 0, 'the file is missing');
    throw error;
  }
}
