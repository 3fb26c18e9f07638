// Arrays of vectors (.npy, .fvecs) as Arrow requests; the ids are row numbers. Command line.

import { ChunkReader } from '../arrow/chunk-reader.js';
import { END_OF_STREAM, vectorRecords, vectorSchema } from '../arrow/write-messages.js';
import { DIMENSION_MAX } from '../limits.js';
import { ARROW_TYPE } from './content-types.js';
import { type ImportRequest, type ImportSource, InputError } from './import-request.js';
import { type NpyHeader, readNpyHeader } from './npy-header.js';

interface ArrayOptions {
  batch: number;
  idOffset: number;
}

/** Rows of one size behind each other. */
interface Rows {
  reader: ChunkReader;
  dimension: number;
  rowBytes: number;
  /** Undefined: until the input ends. */
  count: number | undefined;
  /** The float32 of whole rows. */
  floatsOf(bytes: Uint8Array, firstRow: number): Float32Array;
}

/** A NumPy array of shape (rows, dimension), float32 or float64. @throws InputError */
export async function npySource(
  chunks: AsyncIterable<Uint8Array>,
  options: ArrayOptions,
): Promise<ImportSource> {
  const reader = new ChunkReader(chunks);
  const header = await readNpyHeader(reader);
  checkDimension(header.dimension);
  return {
    dimension: header.dimension,
    requests: rowRequests(
      {
        reader,
        dimension: header.dimension,
        rowBytes: header.dimension * header.floatBytes,
        count: header.rows,
        floatsOf: (bytes) => npyFloats(bytes, header),
      },
      options,
    ),
  };
}

function npyFloats(bytes: Uint8Array, { floatBytes }: NpyHeader): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  return floatBytes === 4
    ? new Float32Array(buffer, byteOffset, length / 4)
    : new Float32Array(new Float64Array(buffer, byteOffset, length / 8));
}

/** The format of the TEXMEX data sets: each row is its dimension, int32, and so many float32. @throws InputError */
export async function fvecsSource(
  chunks: AsyncIterable<Uint8Array>,
  options: ArrayOptions,
): Promise<ImportSource> {
  const reader = new ChunkReader(chunks);
  const start = await reader.peek(4);
  if (start.length < 4) throw new InputError('the file is empty');
  const dimension = new DataView(start.buffer, start.byteOffset).getInt32(0, true);
  checkDimension(dimension);
  const rowBytes = 4 + 4 * dimension;
  const floatsOf = (bytes: Uint8Array, firstRow: number) => fvecsFloats(bytes, dimension, firstRow);
  return {
    dimension,
    requests: rowRequests({ reader, dimension, rowBytes, count: undefined, floatsOf }, options),
  };
}

function fvecsFloats(bytes: Uint8Array, dimension: number, firstRow: number): Float32Array {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const rows = words.length / (dimension + 1);
  const packed = new Float32Array(rows * dimension);
  for (let row = 0; row < rows; row += 1) {
    const at = row * (dimension + 1);
    if (words[at] !== dimension) {
      throw new InputError(`row ${firstRow + row} has ${words[at]} numbers, the first row has ${dimension}`);
    }
    packed.set(floats.subarray(at + 1, at + 1 + dimension), row * dimension);
  }
  return packed;
}

async function* rowRequests(rows: Rows, { batch, idOffset }: ArrayOptions): AsyncGenerator<ImportRequest> {
  const { reader, dimension, rowBytes, count = Number.POSITIVE_INFINITY } = rows;
  const schema = vectorSchema(dimension);
  for (let first = 0; first < count; ) {
    const bytes = await reader.read(Math.min(batch, count - first) * rowBytes);
    const items = bytes.length / rowBytes;
    if (!Number.isInteger(items))
      throw new InputError(`the file ends within row ${first + Math.floor(items)}`);
    if (items === 0) {
      if (count === Number.POSITIVE_INFINITY) return;
      throw new InputError(`the file ends after ${first} of ${count} rows`);
    }
    const { buffer, byteOffset, byteLength } = rows.floatsOf(bytes, first);
    const vectors = new Uint8Array(buffer, byteOffset, byteLength);
    const body = [schema, ...vectorRecords(vectors, dimension, idOffset + first), END_OF_STREAM];
    yield { contentType: ARROW_TYPE, body, items, inputBytes: bytes.length };
    first += items;
  }
  if ((await reader.read(1)).length > 0) throw new InputError(`the file goes on after its ${count} rows`);
}

function checkDimension(dimension: number): void {
  if (dimension >= 1 && dimension <= DIMENSION_MAX) return;
  throw new InputError(
    `vectors of ${dimension} numbers cannot be stored; a collection has 2 to ${DIMENSION_MAX}`,
  );
}
