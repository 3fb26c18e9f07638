// Writes Arrow messages: the schema of a table of ids and vectors, and record batches of any columns. Runs on any thread.

import type { Node } from './record-layout.js';
import { type FlatNode, type FlatValue, writeFlatBuffer } from './write-table.js';

const VERSION_5 = 4;
const HEADERS = { schema: 1, records: 3 };
const TYPES = { int: 2, float: 3, fixedSizeList: 16 };
const SINGLE = 1;
const ALIGNMENT = 8;

export const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** The message of the schema `id: int64, vector: fixed_size_list<float32>[dimension]`. */
export function vectorSchema(dimension: number): Uint8Array {
  const id = field('id', TYPES.int, [int32(64), uint8(1)]);
  const item = field('item', TYPES.float, [int16(SINGLE)]);
  const vector = field('vector', TYPES.fixedSizeList, [int32(dimension)], [item]);
  return encapsulate(message(HEADERS.schema, { table: [int16(0), { tables: [id, vector] }] }, 0));
}

/** A record batch of that schema: `vectors` is row-major, row i has the id `firstId + i`. */
export function vectorRecords(vectors: Uint8Array, dimension: number, firstId: number): Uint8Array[] {
  const floats = vectors.length / Float32Array.BYTES_PER_ELEMENT;
  const length = floats / dimension;
  const ids = BigInt64Array.from({ length }, (_, row) => BigInt(firstId + row));
  const nothing = new Uint8Array();
  return records({
    rows: length,
    nodes: [length, length, floats].map((count) => ({ length: count, nulls: 0 })),
    buffers: [nothing, new Uint8Array(ids.buffer), nothing, nothing, vectors],
    variadic: [],
  });
}

export interface Records {
  rows: number;
  nodes: Node[];
  buffers: Uint8Array[];
  /** Buffers of texts of each utf8_view. */
  variadic: number[];
}

/** The message of a record batch in pieces; the buffers are not copied. */
export function records({ rows, nodes, buffers, variadic }: Records): Uint8Array[] {
  const body: Uint8Array[] = [];
  const places: number[] = [];
  let bodyBytes = 0;
  for (const buffer of buffers) {
    places.push(bodyBytes, buffer.length);
    const padding = (ALIGNMENT - (buffer.length % ALIGNMENT)) % ALIGNMENT;
    body.push(buffer, new Uint8Array(padding));
    bodyBytes += buffer.length + padding;
  }
  const header: FlatNode = {
    table: [
      int64(rows),
      { structs: nodes.flatMap(({ length, nulls }) => [length, nulls]), stride: 2 },
      { structs: places, stride: 2 },
      undefined,
      variadic.length === 0 ? undefined : { structs: variadic, stride: 1 },
    ],
  };
  return [
    encapsulate(message(HEADERS.records, header, bodyBytes)),
    ...body.filter(({ length }) => length > 0),
  ];
}

/** Metadata as it stands in a stream, before its body. */
export function encapsulate(metadata: Uint8Array): Uint8Array {
  const padding = (ALIGNMENT - (metadata.length % ALIGNMENT)) % ALIGNMENT;
  const bytes = new Uint8Array(ALIGNMENT + metadata.length + padding);
  new DataView(bytes.buffer).setUint32(0, 0xffff_ffff, true);
  new DataView(bytes.buffer).setUint32(4, metadata.length + padding, true);
  bytes.set(metadata, ALIGNMENT);
  return bytes;
}

function message(headerType: number, header: FlatNode, bodyBytes: number): Uint8Array {
  return writeFlatBuffer({ table: [int16(VERSION_5), uint8(headerType), header, int64(bodyBytes)] });
}

function field(name: string, typeNumber: number, type: FlatValue[], children: FlatNode[] = []): FlatNode {
  return {
    table: [{ text: name }, uint8(0), uint8(typeNumber), { table: type }, undefined, { tables: children }],
  };
}

const uint8 = (value: number): FlatValue => ({ bytes: 1, value });
const int16 = (value: number): FlatValue => ({ bytes: 2, value });
const int32 = (value: number): FlatValue => ({ bytes: 4, value });
const int64 = (value: number): FlatValue => ({ bytes: 8, value });
