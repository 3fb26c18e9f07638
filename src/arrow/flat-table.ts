// Reads FlatBuffers, the encoding of Arrow's metadata, and trusts no byte of them: a DataView refuses each read beyond
// its end, and a vector is compared with the bytes that are there before it is walked. Runs on any thread.
// Source: https://flatbuffers.dev/internals

import { malformed } from './malformed.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Where the entries of a vector lie. */
export interface FlatVector {
  count: number;
  /** Offset of an entry in the view. */
  at(index: number): number;
}

/** A table: fields are numbered as in the schema (Message.fbs and Schema.fbs); one that is left out reads as its default. */
export class FlatTable {
  readonly view: DataView;
  readonly #position: number;

  constructor(view: DataView, position: number) {
    this.view = view;
    this.#position = position;
  }

  /** @throws RangeError, here and in all methods, where a read would leave the bytes */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getUint32(0, true));
  }

  uint8(field: number, fallback = 0): number {
    const at = this.#fieldAt(field);
    return at === 0 ? fallback : this.view.getUint8(at);
  }

  int16(field: number, fallback = 0): number {
    const at = this.#fieldAt(field);
    return at === 0 ? fallback : this.view.getInt16(at, true);
  }

  int32(field: number, fallback = 0): number {
    const at = this.#fieldAt(field);
    return at === 0 ? fallback : this.view.getInt32(at, true);
  }

  /** A length or an id: never negative, never beyond 2^53. */
  count64(field: number): number {
    const at = this.#fieldAt(field);
    return at === 0 ? 0 : readCount64(this.view, at);
  }

  table(field: number): FlatTable | undefined {
    const at = this.#fieldAt(field);
    return at === 0 ? undefined : new FlatTable(this.view, this.#follow(at));
  }

  tables(field: number): FlatTable[] {
    const { count, at } = this.vector(field, Uint32Array.BYTES_PER_ELEMENT);
    return Array.from({ length: count }, (_, index) => new FlatTable(this.view, this.#follow(at(index))));
  }

  text(field: number): string {
    const { count, at } = this.vector(field, 1);
    const bytes = new Uint8Array(this.view.buffer, this.view.byteOffset + at(0), count);
    try {
      return decoder.decode(bytes);
    } catch {
      throw malformed('a name in its metadata is not UTF-8');
    }
  }

  /** The entries of a vector of structs or numbers of `stride` bytes; empty where it is left out. */
  vector(field: number, stride: number): FlatVector {
    const at = this.#fieldAt(field);
    if (at === 0) return { count: 0, at: () => 0 };
    const start = this.#follow(at);
    const count = this.view.getUint32(start, true);
    const first = start + Uint32Array.BYTES_PER_ELEMENT;
    if (first + count * stride > this.view.byteLength)
      throw malformed('a list in its metadata is longer than it');
    return { count, at: (index) => first + index * stride };
  }

  /** Offset of a field's value, 0 where it is left out. */
  #fieldAt(field: number): number {
    const vtable = this.#position - this.view.getInt32(this.#position, true);
    const entry = 4 + 2 * field;
    if (entry + 2 > this.view.getUint16(vtable, true)) return 0;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset === 0 ? 0 : this.#position + offset;
  }

  #follow(at: number): number {
    return at + this.view.getUint32(at, true);
  }
}

/** A length, offset or id at a place in metadata. */
export function readCount64(view: DataView, at: number): number {
  const value = Number(view.getBigInt64(at, true));
  if (value < 0 || value > Number.MAX_SAFE_INTEGER)
    throw malformed('a number in its metadata is out of range');
  return value;
}
