// One worker thread's working area in a code memory: what a scan there needs beside the codes.

import { LEAF_ENTRY_BYTES, TABLE_OUT_BYTES, tableBytes } from '../kernels/layout.js';
import { CANDIDATES_MAX } from '../limits.js';
import { growMemory, wholeLines } from './allocate-memory.js';
import { CandidateBuffer } from './candidate-buffer.js';
import type { CodeMemory } from './code-memory.js';
import { codeDimension, codeWords, type IndexSettings } from './settings.js';

/** Leaves that one kernel call scans. */
export const ENTRIES_MAX = 256;
const ENTRIES_BYTES = ENTRIES_MAX * LEAF_ENTRY_BYTES;

/** A query in the forms that scans read. */
export interface QueryForms {
  tables: number;
  tableOut: number;
  signQuery: number;
  /** All of them together. */
  bytes: Uint8Array;
}

/** Lays the forms out from `address` on, always in the same way: so they are copied from one memory to another at once. */
export function queryForms(buffer: ArrayBufferLike, address: number, settings: IndexSettings): QueryForms {
  const tableOut = address + wholeLines(tableBytes(codeDimension(settings.dimension)));
  const signQuery = tableOut + wholeLines(TABLE_OUT_BYTES);
  const bytes = new Uint8Array(buffer, address, queryFormsBytes(settings));
  return { tables: address, tableOut, signQuery, bytes };
}

export function queryFormsBytes({ dimension }: IndexSettings): number {
  const tables = wholeLines(tableBytes(codeDimension(dimension)));
  return tables + wholeLines(TABLE_OUT_BYTES) + wholeLines(codeWords(dimension) * 16);
}

export class CodeScratch {
  readonly query: QueryForms;
  readonly leafEntries: number;
  readonly leafWords: Uint32Array;
  readonly candidates: CandidateBuffer;

  /** Bytes that one area adds to a code memory. */
  static bytesFor(settings: IndexSettings): number {
    return queryFormsBytes(settings) + ENTRIES_BYTES + CandidateBuffer.bytesFor(2 * CANDIDATES_MAX);
  }

  constructor({ memory }: CodeMemory, settings: IndexSettings) {
    const start = growMemory(memory, CodeScratch.bytesFor(settings));
    const { buffer } = memory;
    this.query = queryForms(buffer, start, settings);
    this.leafEntries = start + queryFormsBytes(settings);
    this.leafWords = new Uint32Array(buffer, this.leafEntries, ENTRIES_BYTES / 4);
    this.candidates = new CandidateBuffer(buffer, this.leafEntries + ENTRIES_BYTES, 2 * CANDIDATES_MAX);
  }
}
