// Takes rows out of a record batch without decoding it: a batch of any size becomes many small ones, and only the bytes
// of one are read at a time. Runs in the command line.

import { onlyChild, unreadable } from './columns.js';
import { malformed, readUntrusted } from './malformed.js';
import { headerTable } from './message.js';
import { type Node, type Place, RecordLayout, valueBits } from './record-layout.js';
import type { Field } from './schema.js';
import { records } from './write-messages.js';

/** Bytes of a body, from its start. */
export type ReadBody = (start: number, end: number) => Promise<Uint8Array>;

export interface RecordSource {
  fields: readonly Field[];
  metadata: Uint8Array;
  read: ReadBody;
}

interface Rows {
  from: number;
  to: number;
}

const NOTHING = new Uint8Array();

/**
 * The message, in pieces, of the rows from `from` up to `to`.
 * @throws malformed_arrow; not_supported for columns that cannot be imported
 */
export async function cutRecords(
  { fields, metadata, read }: RecordSource,
  rows: Rows,
): Promise<Uint8Array[]> {
  const layout = readUntrusted('a record batch', () => new RecordLayout(headerTable(metadata)));
  const cutter = new Cutter(layout, read);
  for (const field of fields) await cutter.column(field, rows);
  return records({ rows: rows.to - rows.from, ...cutter });
}

class Cutter {
  readonly nodes: Node[] = [];
  readonly buffers: Uint8Array[] = [];
  readonly variadic: number[] = [];
  readonly #layout: RecordLayout;
  readonly #read: ReadBody;

  constructor(layout: RecordLayout, read: ReadBody) {
    this.#layout = layout;
    this.#read = read;
  }

  async column(field: Field, rows: Rows): Promise<void> {
    const { type, dictionary } = field;
    const length = rows.to - rows.from;
    const { nulls } = readUntrusted('a record batch', () => this.#layout.nextNode());
    const node = { length, nulls: 0 };
    this.nodes.push(node);
    if (type.kind === 'null' && dictionary === undefined) {
      node.nulls = length;
      return;
    }
    const validity = this.#place();
    const bits = nulls === 0 ? NOTHING : await this.#values(validity, rows, 1);
    if (nulls > 0) node.nulls = length - countOnes(bits, length);
    this.buffers.push(bits);
    if (dictionary === undefined) await this.#content(field, rows);
    else this.buffers.push(await this.#values(this.#place(), rows, dictionary.indexType.bits));
  }

  async #content(field: Field, rows: Rows): Promise<void> {
    const { type } = field;
    switch (type.kind) {
      case 'utf8': {
        const { from, to } = await this.#offsets(rows, type.isLarge);
        this.buffers.push(await this.#values(this.#place(), { from, to }, 8));
        return;
      }
      case 'list':
        return this.column(onlyChild(field), await this.#offsets(rows, type.isLarge));
      case 'fixed_size_list':
        return this.column(onlyChild(field), { from: rows.from * type.size, to: rows.to * type.size });
      default: {
        const bits = valueBits(type);
        if (bits === undefined) throw unreadable(field);
        this.buffers.push(await this.#values(this.#place(), rows, bits));
        if (type.kind === 'utf8_view') await this.#texts();
      }
    }
  }

  /** Adds the offsets of the rows, counted from the first; returns what they enclose. */
  async #offsets({ from, to }: Rows, isLarge: boolean): Promise<Rows> {
    const width = isLarge ? 8 : 4;
    const place = this.#place();
    // A column without rows may have no offsets at all.
    if (from === to) {
      this.buffers.push(new Uint8Array(width));
      return { from: 0, to: 0 };
    }
    const bytes = await this.#values(place, { from, to: to + 1 }, width * 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const offsets = Array.from({ length: to - from + 1 }, (_, row) =>
      isLarge ? Number(view.getBigInt64(row * 8, true)) : view.getInt32(row * 4, true),
    );
    const [first, last] = [offsets[0] as number, offsets.at(-1) as number];
    if (first < 0 || last < first) throw malformed('the offsets of a column decrease');
    const counted = offsets.map((offset) => offset - first);
    this.buffers.push(
      new Uint8Array((isLarge ? BigInt64Array.from(counted, BigInt) : Int32Array.from(counted)).buffer),
    );
    return { from: first, to: last };
  }

  /** The texts of a view may stand anywhere: all of them come along. */
  async #texts(): Promise<void> {
    const count = readUntrusted('a record batch', () => this.#layout.nextVariadic());
    this.variadic.push(count);
    for (let index = 0; index < count; index += 1) {
      const { start, end } = this.#place();
      this.buffers.push(await this.#read(start, end));
    }
  }

  #place(): Place {
    return readUntrusted('a record batch', () => this.#layout.nextBuffer());
  }

  /** Values `from` to `to` of a buffer of values of so many bits. */
  async #values({ start, end }: Place, { from, to }: Rows, bits: number): Promise<Uint8Array> {
    const first = start + Math.floor((from * bits) / 8);
    const last = start + Math.ceil((to * bits) / 8);
    if (last > end) throw malformed('a column has fewer bytes than its rows need');
    const bytes = await this.#read(first, last);
    return bits === 1 && from % 8 !== 0 ? shifted(bytes, from % 8) : bytes;
  }
}

/** The bits without the first few. */
function shifted(bytes: Uint8Array, by: number): Uint8Array {
  return bytes.map((byte, index) => (byte >> by) | ((bytes[index + 1] ?? 0) << (8 - by)));
}

function countOnes(bits: Uint8Array, length: number): number {
  let ones = 0;
  for (let index = 0; index < length; index += 1) ones += ((bits[index >> 3] as number) >> (index & 7)) & 1;
  return ones;
}
