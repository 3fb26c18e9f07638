// A vector as the bytes that are stored: their length, and the way there and back. Runs on any thread; the loops over
// whole batches run where bodies are parsed.

import type { Precision } from './index-settings.js';

// | precision | bytes                                                                                             |
// |-----------|---------------------------------------------------------------------------------------------------|
// | float32   | f32 x dimension                                                                                   |
// | float16   | f32 scale, a power of two; f16 x dimension, each a number over the scale, the largest about 2^14  |
// | int8      | f32 scale; u32 sum of the squares of the i8; i8 x dimension, each a number over the scale, to 127 |
// Little-endian, filled up with zeros to a multiple of 4. A scale of its own lets a vector of any length keep the full
// precision: none is refused for its numbers, and none vanishes.

const HEAD_BYTES = { float32: 0, float16: 4, int8: 8 } as const satisfies Record<Precision, number>;
const NUMBER_BYTES = { float32: 4, float16: 2, int8: 1 } as const satisfies Record<Precision, number>;

const BYTE_MAX = 127;
/** Numbers below are kept as zero in a compact row: their squares are nothing in float32, and a scale must not be. */
const SMALLEST = 2 ** -100;
/** Places of float32 behind those of float16, and the difference of their exponents' biases. */
const FRACTION_SHIFT = 13;
const BIAS_SHIFT = 112;
/** The exponent that the largest number of a float16 row is scaled to: below the end of the range, 2^16. */
const HALF_EXPONENT = 14;
/** Bits of 2^-14, the smallest normal float16, and of 0.5. */
const HALF_NORMAL_BITS = 0x3880_0000;
const ONE_HALF_BITS = 0x3f00_0000;

export interface RowShape {
  dimension: number;
  precision: Precision;
}

/** Bytes of a stored vector. */
export function rowBytes({ dimension, precision }: RowShape): number {
  return Math.ceil((HEAD_BYTES[precision] + dimension * NUMBER_BYTES[precision]) / 4) * 4;
}

/** Writes the stored form of a vector of finite numbers over what stands in `target` from `offset` on. */
export function storeVector(
  vector: Float32Array,
  precision: Precision,
  target: Uint8Array,
  offset: number,
): void {
  if (precision === 'float32') {
    target.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), offset);
    return;
  }
  const bytes = rowBytes({ dimension: vector.length, precision });
  target.fill(0, offset, offset + bytes);
  const view = new DataView(target.buffer, target.byteOffset + offset, bytes);
  const largest = largestOf(vector);
  if (precision === 'float16') storeHalves(vector, largest, view);
  else storeBytes(vector, largest, view);
}

/** The numbers of a stored vector, as near to those that were given as its precision allows. */
export function loadVector(row: Uint8Array, { dimension, precision }: RowShape): Float32Array {
  const vector = new Float32Array(dimension);
  if (precision === 'float32') {
    new Uint8Array(vector.buffer).set(row);
    return vector;
  }
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const scale = view.getFloat32(0, true);
  const head = HEAD_BYTES[precision];
  for (let i = 0; i < dimension; i++) {
    const number =
      precision === 'int8' ? view.getInt8(head + i) : floatOfHalf(view.getUint16(head + 2 * i, true));
    vector[i] = number * scale;
  }
  return vector;
}

function storeHalves(vector: Float32Array, largest: number, view: DataView): void {
  if (largest < SMALLEST) return;
  const exponent = (bitsOf(largest) >>> 23) - 127;
  const scale = 2 ** (exponent - HALF_EXPONENT);
  view.setFloat32(0, scale, true);
  for (let i = 0; i < vector.length; i++) {
    view.setUint16(HEAD_BYTES.float16 + 2 * i, halfOfFloat((vector[i] as number) / scale), true);
  }
}

function storeBytes(vector: Float32Array, largest: number, view: DataView): void {
  if (largest < SMALLEST) return;
  const scale = Math.fround(largest / BYTE_MAX);
  let squares = 0;
  for (let i = 0; i < vector.length; i++) {
    const byte = Math.max(-BYTE_MAX, Math.min(BYTE_MAX, Math.round((vector[i] as number) / scale)));
    view.setInt8(HEAD_BYTES.int8 + i, byte);
    squares += byte * byte;
  }
  view.setFloat32(0, scale, true);
  view.setUint32(4, squares, true);
}

function largestOf(vector: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i] as number));
  return largest;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

function bitsOf(value: number): number {
  float[0] = value;
  return bits[0] as number;
}

/** Rounded to the nearest, ties to even; the value is below 2^15. */
function halfOfFloat(value: number): number {
  const all = bitsOf(value);
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fff_ffff;
  // Below the normal float16 its last place is that of 0.5 in float32: adding lets the hardware round.
  if (magnitude < HALF_NORMAL_BITS) return sign | (bitsOf(Math.abs(value) + 0.5) - ONE_HALF_BITS);
  const odd = (magnitude >>> FRACTION_SHIFT) & 1;
  const rounded = magnitude + (1 << (FRACTION_SHIFT - 1)) - 1 + odd;
  return sign | ((rounded >>> FRACTION_SHIFT) - (BIAS_SHIFT << 10));
}

function floatOfHalf(half: number): number {
  bits[0] = (half & 0x7fff) << FRACTION_SHIFT;
  const magnitude = (float[0] as number) * 2 ** BIAS_SHIFT;
  return half & 0x8000 ? -magnitude : magnitude;
}
