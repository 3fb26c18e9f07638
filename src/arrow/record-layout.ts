// Where the columns of a record batch lie in its body, as its metadata tells. Runs on any thread.

import { ServiceError } from '../errors.js';
import { type FlatTable, readCount64 } from './flat-table.js';
import { malformed } from './malformed.js';
import type { DataType } from './schema.js';

const STRUCT_BYTES = 16;
const CODECS = ['lz4', 'zstd'];

/** One a column, children included. */
export interface Node {
  length: number;
  nulls: number;
}

/** One buffer, from the start of the body. */
export interface Place {
  start: number;
  end: number;
}

/** Hands out nodes and buffers in the order of the columns, each column before its children. */
export class RecordLayout {
  readonly rows: number;
  readonly #table: FlatTable;
  #node = 0;
  #buffer = 0;
  #variadic = 0;

  /** @throws not_supported where the body is compressed */
  constructor(table: FlatTable) {
    const compression = table.table(3);
    if (compression !== undefined) {
      const codec = CODECS[compression.uint8(0)] ?? 'an unknown codec';
      throw new ServiceError('not_supported', { what: `An Arrow body compressed with ${codec}` });
    }
    this.#table = table;
    this.rows = table.count64(0);
  }

  nextNode(): Node {
    const { count, at } = this.#table.vector(1, STRUCT_BYTES);
    if (this.#node >= count) throw malformed('a batch has fewer columns than the schema');
    const offset = at(this.#node++);
    const { view } = this.#table;
    return { length: readCount64(view, offset), nulls: readCount64(view, offset + 8) };
  }

  nextBuffer(): Place {
    const { count, at } = this.#table.vector(2, STRUCT_BYTES);
    if (this.#buffer >= count) throw malformed('a batch has fewer buffers than its columns need');
    const offset = at(this.#buffer++);
    const { view } = this.#table;
    const start = readCount64(view, offset);
    return { start, end: start + readCount64(view, offset + 8) };
  }

  /** How many buffers of texts the next utf8_view has. */
  nextVariadic(): number {
    const { count, at } = this.#table.vector(4, 8);
    if (this.#variadic >= count) throw malformed('a batch does not tell the buffers of its views');
    return readCount64(this.#table.view, at(this.#variadic++));
  }
}

/** Bits of a value in a column of plain values; undefined for types that have none, or are not read. */
export function valueBits(type: DataType): number | undefined {
  switch (type.kind) {
    case 'bool':
      return 1;
    case 'int':
    case 'float':
      return type.bits;
    case 'date':
      return type.unit === 'day' ? 32 : 64;
    case 'timestamp':
      return 64;
    case 'utf8_view':
      return 128;
    default:
      return undefined;
  }
}
