// Writes FlatBuffers, as far as Arrow's metadata needs them: each table before what it refers to. Runs on any thread.
// Source: https://flatbuffers.dev/internals

/** A number of so many bytes, or what a field refers to. */
export type FlatValue = { bytes: 1 | 2 | 4 | 8; value: number } | FlatNode;

export type FlatNode =
  /** By the number of the field; undefined: left out. */
  | { table: (FlatValue | undefined)[] }
  | { tables: FlatNode[] }
  /** Structs of 64-bit numbers, `stride` numbers each. */
  | { structs: number[]; stride: number }
  | { text: string };

const OFFSET_BYTES = 4;
const ALIGNMENT = 8;

/** The buffer whose root is `table`; its length is a multiple of 8. */
export function writeFlatBuffer(table: FlatNode): Uint8Array {
  const writer = new FlatWriter();
  writer.reserve(OFFSET_BYTES);
  writer.refer(0, table);
  return writer.finish();
}

class FlatWriter {
  #view = new DataView(new ArrayBuffer(1024));
  #end = 0;

  /** The offset of `bytes` new bytes, zeros. */
  reserve(bytes: number): number {
    const at = this.#end;
    this.#end += bytes;
    if (this.#end > this.#view.byteLength) {
      const grown = new Uint8Array(this.#end * 2);
      grown.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  /** Writes `node`, and its place at `at`. */
  refer(at: number, node: FlatNode): void {
    const target = this.#write(node);
    this.#view.setUint32(at, target - at, true);
  }

  finish(): Uint8Array {
    this.#align(0);
    return new Uint8Array(this.#view.buffer, 0, this.#end);
  }

  #write(node: FlatNode): number {
    if ('table' in node) return this.#writeTable(node.table);
    if ('text' in node) return this.#writeText(node.text);
    if ('structs' in node) return this.#writeStructs(node.structs, node.stride);
    this.#align(0);
    const at = this.#writeCount(node.tables.length, OFFSET_BYTES * node.tables.length);
    for (const [index, table] of node.tables.entries()) this.refer(at + OFFSET_BYTES * (index + 1), table);
    return at;
  }

  #writeTable(fields: (FlatValue | undefined)[]): number {
    const vtableBytes = 4 + 2 * fields.length;
    this.#align(vtableBytes);
    const vtable = this.reserve(vtableBytes);
    const start = this.#end;
    let bytes = OFFSET_BYTES;
    const places = fields.map((field) => {
      if (field === undefined) return 0;
      const width = 'bytes' in field ? field.bytes : OFFSET_BYTES;
      const place = Math.ceil(bytes / width) * width;
      bytes = place + width;
      return place;
    });
    this.reserve(bytes);
    this.#view.setInt32(start, start - vtable, true);
    this.#view.setUint16(vtable, vtableBytes, true);
    this.#view.setUint16(vtable + 2, bytes, true);
    for (const [index, place] of places.entries()) {
      const field = fields[index];
      this.#view.setUint16(vtable + 4 + 2 * index, place, true);
      if (field === undefined) continue;
      if ('bytes' in field) this.#writeNumber(start + place, field.bytes, field.value);
      else this.refer(start + place, field);
    }
    return start;
  }

  #writeNumber(at: number, bytes: 1 | 2 | 4 | 8, value: number): void {
    if (bytes === 1) this.#view.setUint8(at, value);
    else if (bytes === 2) this.#view.setInt16(at, value, true);
    else if (bytes === 4) this.#view.setInt32(at, value, true);
    else this.#view.setBigInt64(at, BigInt(value), true);
  }

  #writeStructs(numbers: number[], stride: number): number {
    this.#align(OFFSET_BYTES);
    const at = this.#writeCount(numbers.length / stride, 8 * numbers.length);
    for (const [index, value] of numbers.entries())
      this.#writeNumber(at + OFFSET_BYTES + 8 * index, 8, value);
    return at;
  }

  #writeText(text: string): number {
    const bytes = new TextEncoder().encode(text);
    this.#align(0);
    // A zero follows, as C likes it.
    const at = this.#writeCount(bytes.length, bytes.length + 1);
    new Uint8Array(this.#view.buffer).set(bytes, at + OFFSET_BYTES);
    return at;
  }

  #writeCount(count: number, bytes: number): number {
    const at = this.reserve(OFFSET_BYTES + bytes);
    this.#view.setUint32(at, count, true);
    return at;
  }

  /** Goes on where what follows the next `bytes` is aligned. */
  #align(bytes: number): void {
    this.reserve((ALIGNMENT - ((this.#end + bytes) % ALIGNMENT)) % ALIGNMENT);
  }
}
