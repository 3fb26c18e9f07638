// The format of checked files: a header that names the sections, and where everything lies. Runs on any thread.

import { crc32c } from '@node-rs/crc32';
import { ServiceError } from '../errors.js';

// | offset | bytes | type | meaning                                                           |
// |     0  |   8   | text | magic, the kind of the file                                       |
// |     8  |   4   | u32  | format version of that kind                                       |
// |    12  |   4   | u32  | number of sections, n                                             |
// |    16  |   4   | u32  | bytes of a block, 65536                                           |
// |    20  |   4   | u32  | zero                                                              |
// |    24  |   8   | u64  | offset of the block table                                         |
// |    32  | 24 n  |      | sections: id u32, zero u32, offset u64, bytes u64                 |
// |   ...  |   4   | u32  | crc32c of all bytes before                                        |
// The header is filled up with zeros to a multiple of 4096; so is each section.
// Block table: for each section in order, for each of its blocks (the last may be short) its crc32c as u32; then the
// crc32c of the table as u32. The file ends there.

export const BLOCK_BYTES = 65_536;
export const FIXED_HEADER_BYTES = 32;
export const CHECKSUM_BYTES = 4;
const SECTION_ENTRY_BYTES = 24;
const ALIGNMENT = 4096;
const SECTIONS_MAX = 1024;

/** What a file is: its magic has 8 characters of ASCII. */
export interface FileKind {
  magic: string;
  version: number;
}

export interface Section {
  id: number;
  offset: number;
  bytes: number;
}

export interface CheckedLayout {
  sections: Section[];
  tableOffset: number;
  fileBytes: number;
}

export function blockCount(sections: readonly Section[]): number {
  return sections.reduce((sum, { bytes }) => sum + Math.ceil(bytes / BLOCK_BYTES), 0);
}

/** Where sections of these sizes lie in a file. */
export function layOut(sections: readonly { id: number; bytes: number }[]): CheckedLayout {
  if (sections.length > SECTIONS_MAX) throw new RangeError(`${sections.length} sections`);
  if (new Set(sections.map(({ id }) => id)).size < sections.length)
    throw new RangeError('two sections with one id');
  let offset = align(headerBytes(sections.length));
  const placed = sections.map(({ id, bytes }) => {
    const section = { id, offset, bytes };
    offset = align(offset + bytes);
    return section;
  });
  return {
    sections: placed,
    tableOffset: offset,
    fileBytes: offset + (blockCount(placed) + 1) * CHECKSUM_BYTES,
  };
}

/** Bytes of a header with its checksum. */
export function headerBytes(sectionCount: number): number {
  return FIXED_HEADER_BYTES + sectionCount * SECTION_ENTRY_BYTES + CHECKSUM_BYTES;
}

export function encodeHeader(
  { magic, version }: FileKind,
  { sections, tableOffset }: CheckedLayout,
): Uint8Array {
  if (!/^[\x20-\x7e]{8}$/.test(magic)) throw new RangeError('a magic has 8 characters of ASCII');
  const bytes = new Uint8Array(align(headerBytes(sections.length)));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  view.setUint32(8, version, true);
  view.setUint32(12, sections.length, true);
  view.setUint32(16, BLOCK_BYTES, true);
  view.setBigUint64(24, BigInt(tableOffset), true);
  for (const [index, section] of sections.entries()) {
    const entry = FIXED_HEADER_BYTES + index * SECTION_ENTRY_BYTES;
    view.setUint32(entry, section.id, true);
    view.setBigUint64(entry + 8, BigInt(section.offset), true);
    view.setBigUint64(entry + 16, BigInt(section.bytes), true);
  }
  const end = headerBytes(sections.length) - CHECKSUM_BYTES;
  view.setUint32(end, crc32c(bytes.subarray(0, end)), true);
  return bytes;
}

/** Number of sections in the fixed part of a header. @throws storage_corrupt for another kind of file */
export function decodeSectionCount(fixed: Uint8Array, { magic, version }: FileKind, path: string): number {
  if (fixed.byteLength < FIXED_HEADER_BYTES)
    throw corruptFile(path, fixed.byteLength, 'its header is cut off');
  const view = new DataView(fixed.buffer, fixed.byteOffset, fixed.byteLength);
  const found = new TextDecoder('latin1').decode(fixed.subarray(0, 8));
  if (found !== magic) throw corruptFile(path, 0, `it is no ${magic} file`);
  const foundVersion = view.getUint32(8, true);
  if (foundVersion !== version) {
    throw corruptFile(path, 8, `its format version is ${foundVersion}, this program reads ${version}`);
  }
  const sections = view.getUint32(12, true);
  if (sections > SECTIONS_MAX) throw corruptFile(path, 12, `it claims ${sections} sections`);
  return sections;
}

/**
 * The layout in a whole header, with its checksum.
 * @throws storage_corrupt when the checksum does not fit, or the file's length
 */
export function decodeLayout(header: Uint8Array, fileBytes: number, path: string): CheckedLayout {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const end = header.byteLength - CHECKSUM_BYTES;
  if (view.getUint32(end, true) !== crc32c(header.subarray(0, end))) {
    throw corruptFile(path, end, 'the checksum of its header does not fit');
  }
  const sizes = [];
  for (let entry = FIXED_HEADER_BYTES; entry < end; entry += SECTION_ENTRY_BYTES) {
    sizes.push({ id: view.getUint32(entry, true), bytes: Number(view.getBigUint64(entry + 16, true)) });
  }
  // The sizes say where everything is; the offsets are for other readers.
  const layout = layOut(sizes);
  if (layout.fileBytes !== fileBytes) {
    throw corruptFile(path, fileBytes, `it has ${fileBytes} bytes instead of ${layout.fileBytes}`);
  }
  return layout;
}

export function corruptFile(path: string, offset: number, reason: string): ServiceError {
  return new ServiceError('storage_corrupt', { path, offset, reason });
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
