// Files of vectors for tests, as other programs write them.
import { END_OF_STREAM, vectorRecords, vectorSchema } from '../../src/arrow/write-messages.js';

export interface NpyOptions {
  version?: 1 | 2 | 3;
  descr?: string;
  fortranOrder?: boolean;
  shape?: string;
}

/** As numpy.save writes an array of float32, or of float64 where `descr` is <f8. */
export function npyFile(
  vectors: number[][],
  { version = 1, descr = '<f4', fortranOrder = false, shape }: NpyOptions = {},
): Buffer {
  const lengthBytes = version === 1 ? 2 : 4;
  const written = shape ?? `(${vectors.length}, ${vectors[0]?.length ?? 0})`;
  const order = fortranOrder ? 'True' : 'False';
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${written}, }`;
  // The rows begin at a multiple of 64.
  const header = text.padEnd(Math.ceil((8 + lengthBytes + text.length + 1) / 64) * 64 - 9 - lengthBytes);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntLE(header.length + 1, 0, lengthBytes);
  const numbers = vectors.flat();
  const rows = descr === '<f8' ? Float64Array.from(numbers) : Float32Array.from(numbers);
  const magic = Buffer.from('\x93NUMPY', 'latin1');
  const bytes = Buffer.from(rows.buffer);
  return Buffer.concat([magic, Buffer.of(version, 0), length, Buffer.from(`${header}\n`), bytes]);
}

export function fvecsFile(vectors: number[][]): Buffer {
  const rows = vectors.flatMap((vector) => [
    Buffer.from(Int32Array.of(vector.length).buffer),
    Buffer.from(Float32Array.from(vector).buffer),
  ]);
  return Buffer.concat(rows);
}

/** An Arrow stream of one record batch; ids are row numbers. */
export function arrowStream(vectors: number[][]): Buffer {
  const dimension = vectors[0]?.length ?? 0;
  const bytes = new Uint8Array(Float32Array.from(vectors.flat()).buffer);
  return Buffer.concat([vectorSchema(dimension), ...vectorRecords(bytes, dimension, 0), END_OF_STREAM]);
}

export function ndjsonFile(vectors: number[][]): string {
  return vectors.map((vector, id) => `${JSON.stringify({ id, vector, payload: { row: id } })}\n`).join('');
}
