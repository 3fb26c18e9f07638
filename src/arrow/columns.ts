// The columns of one record batch as views of its body; every length and offset is checked once, here. Runs on any
// thread. Source: https://arrow.apache.org/docs/format/Columnar.html#physical-memory-layout

import { ServiceError } from '../errors.js';
import { malformed, readUntrusted } from './malformed.js';
import { headerTable } from './message.js';
import { RecordLayout, valueBits } from './record-layout.js';
import type { DataType, Field } from './schema.js';
import { typeName } from './type-name.js';

export interface Column {
  field: Field;
  length: number;
  /** A bit a row, 0 = null; null where no row is null. */
  validity: Uint8Array | null;
  /** Numbers, bits, UTF-8, or the views of a utf8_view; what of it counts is as long as it must be. */
  values: Uint8Array;
  /** Of lists and texts: row i reaches from entry i to entry i + 1. They never decrease, and end within the child. */
  offsets: Int32Array | Float64Array | undefined;
  /** Of a utf8_view: where long texts stand. */
  texts: Uint8Array[];
  children: Column[];
  /** The column's values are rows of this one. */
  dictionary: Column | undefined;
}

/** Batches of metadata and body, as messages carry them. */
export interface Batch {
  metadata: Uint8Array;
  body: Uint8Array;
}

/** The columns by the id of the dictionary they are for. */
export type Dictionaries = ReadonlyMap<number, Column>;

const NOTHING = new Uint8Array();

/**
 * The columns of a record batch.
 * @throws malformed_arrow; not_supported where it is compressed, or a column has a type that is never read
 */
export function readColumns(
  fields: readonly Field[],
  { metadata, body }: Batch,
  dictionaries: Dictionaries,
): Column[] {
  return readUntrusted('a record batch', () => {
    const layout = new RecordLayout(headerTable(metadata));
    const reader = new BatchReader(layout, body, dictionaries);
    return fields.map((field) => {
      const column = reader.column(field);
      if (column.length !== layout.rows) {
        throw malformed(`column ${field.name} has ${column.length} rows, its batch ${layout.rows}`);
      }
      return column;
    });
  });
}

/** The values of a dictionary, for the field that names it. @throws as `readColumns` */
export function readDictionary(field: Field, { metadata, body }: Batch, dictionaries: Dictionaries): Column {
  return readUntrusted('a dictionary', () => {
    const table = headerTable(metadata).table(1);
    if (table === undefined) throw malformed('a dictionary batch has no data');
    return new BatchReader(new RecordLayout(table), body, dictionaries).column({
      ...field,
      dictionary: undefined,
    });
  });
}

class BatchReader {
  readonly #layout: RecordLayout;
  readonly #body: Uint8Array;
  readonly #dictionaries: Dictionaries;

  constructor(layout: RecordLayout, body: Uint8Array, dictionaries: Dictionaries) {
    this.#layout = layout;
    this.#body = body;
    this.#dictionaries = dictionaries;
  }

  column(field: Field): Column {
    const { type, dictionary } = field;
    const { length, nulls } = this.#layout.nextNode();
    const column: Column = {
      field,
      length,
      validity: null,
      values: NOTHING,
      offsets: undefined,
      texts: [],
      children: [],
      dictionary: undefined,
    };
    if (type.kind === 'null' && dictionary === undefined) return column;
    const validity = this.#nextBuffer();
    if (nulls > 0) column.validity = atLeast(validity, Math.ceil(length / 8), field);
    if (dictionary !== undefined) {
      column.values = atLeast(this.#nextBuffer(), length * (dictionary.indexType.bits / 8), field);
      column.dictionary = this.#dictionaries.get(dictionary.id);
      if (column.dictionary === undefined)
        throw malformed(`the dictionary of column ${field.name} is not there`);
      return column;
    }
    this.#readValues(column, type);
    return column;
  }

  #readValues(column: Column, type: DataType): void {
    const { field, length } = column;
    switch (type.kind) {
      case 'utf8':
        column.offsets = readOffsets(this.#nextBuffer(), length, type.isLarge, field);
        column.values = atLeast(this.#nextBuffer(), lastOf(column.offsets), field);
        return;
      case 'list':
        column.offsets = readOffsets(this.#nextBuffer(), length, type.isLarge, field);
        column.children = [this.#child(field, lastOf(column.offsets))];
        return;
      case 'fixed_size_list':
        column.children = [this.#child(field, length * type.size)];
        return;
      default: {
        const bits = valueBits(type);
        if (bits === undefined) throw unreadable(field);
        column.values = atLeast(this.#nextBuffer(), Math.ceil((length * bits) / 8), field);
        const texts = type.kind === 'utf8_view' ? this.#layout.nextVariadic() : 0;
        while (column.texts.length < texts) column.texts.push(this.#nextBuffer());
      }
    }
  }

  #child(field: Field, lengthMin: number): Column {
    const column = this.column(onlyChild(field));
    if (column.length < lengthMin) throw malformed(`list column ${field.name} reaches beyond its values`);
    return column;
  }

  #nextBuffer(): Uint8Array {
    const { start, end } = this.#layout.nextBuffer();
    if (end > this.#body.length) throw malformed('a buffer reaches beyond the body of its batch');
    return this.#body.subarray(start, end);
  }
}

/** @throws malformed_arrow */
export function onlyChild({ name, children }: Field): Field {
  const [child, ...others] = children;
  if (child === undefined || others.length > 0) throw malformed(`list column ${name} has not one child`);
  return child;
}

/** For a column whose buffers cannot be told apart, or cannot stand in a payload. */
export function unreadable(field: Field): ServiceError {
  return new ServiceError('not_supported', { what: `Column ${field.name} of type ${typeName(field)}` });
}

function readOffsets(
  bytes: Uint8Array,
  length: number,
  isLarge: boolean,
  field: Field,
): Int32Array | Float64Array {
  // Without rows the format allows an empty buffer, too.
  if (length === 0) return new Int32Array(1);
  const width = isLarge ? 8 : 4;
  const aligned = alignedTo(width, atLeast(bytes, (length + 1) * width, field));
  const { buffer, byteOffset } = aligned;
  const offsets = isLarge
    ? Float64Array.from(new BigInt64Array(buffer, byteOffset, length + 1), Number)
    : new Int32Array(buffer, byteOffset, length + 1);
  for (let before = 0, row = 0; row <= length; row += 1) {
    const offset = offsets[row] as number;
    if (offset < before) throw malformed(`the offsets of column ${field.name} decrease`);
    before = offset;
  }
  return offsets;
}

function lastOf(offsets: Int32Array | Float64Array): number {
  return offsets[offsets.length - 1] as number;
}

function atLeast(bytes: Uint8Array, count: number, { name }: Field): Uint8Array {
  if (bytes.length < count) throw malformed(`column ${name} has fewer bytes than its rows need`);
  return bytes;
}

/** The bytes where a typed array of that width may begin: as they are, or a copy. The format aligns them; corrupt ones lie anywhere. */
export function alignedTo(width: number, bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : bytes.slice();
}

export function isNull({ validity, field, dictionary }: Column, row: number): boolean {
  if (validity === null) return field.type.kind === 'null' && dictionary === undefined;
  return ((validity[row >> 3] as number) & (1 << (row & 7))) === 0;
}
