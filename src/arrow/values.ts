// Reads single values of checked columns. Runs on any thread; assumes a little-endian machine, as the files do.

import { isUtf8 } from 'node:buffer';
import { alignedTo, type Column } from './columns.js';
import { malformed } from './malformed.js';

type Reader<Value> = (row: number) => Value;

/** A view type's texts up to this length stand in the view itself. */
const INLINE_TEXT_BYTES = 12;
const VIEW_BYTES = 16;

/** Integers beyond 2^53 come out as some float64 near them: whoever needs them exact asks `Number.isSafeInteger`. */
export function integerReader({ field, values, length, dictionary }: Column): Reader<number> {
  const type = dictionary === undefined ? field.type : field.dictionary?.indexType;
  if (type?.kind !== 'int') throw new Error(`column ${field.name} holds no integers`);
  const { bits, isSigned } = type;
  const { buffer, byteOffset } = alignedTo(bits / 8, values);
  if (bits === 64) {
    const numbers = isSigned
      ? new BigInt64Array(buffer, byteOffset, length)
      : new BigUint64Array(buffer, byteOffset, length);
    return (row) => Number(numbers[row]);
  }
  const Numbers = {
    8: isSigned ? Int8Array : Uint8Array,
    16: isSigned ? Int16Array : Uint16Array,
    32: isSigned ? Int32Array : Uint32Array,
  }[bits];
  const numbers = new Numbers(buffer as ArrayBuffer, byteOffset, length);
  return (row) => numbers[row] as number;
}

/** Exact 64-bit integers, of timestamps. */
export function bigIntReader({ values, length }: Column): Reader<bigint> {
  const { buffer, byteOffset } = alignedTo(8, values);
  const numbers = new BigInt64Array(buffer, byteOffset, length);
  return (row) => numbers[row] as bigint;
}

/** All numbers of a float column: a view of it where it is float32, else converted (rounded to nearest). */
export function float32Values({ field, values, length }: Column): Float32Array {
  const { type } = field;
  if (type.kind !== 'float') throw new Error(`column ${field.name} holds no floats`);
  const { buffer, byteOffset } = alignedTo(type.bits / 8, values);
  switch (type.bits) {
    case 16:
      return Float32Array.from(new Uint16Array(buffer, byteOffset, length), float16);
    case 32:
      return new Float32Array(buffer, byteOffset, length);
    case 64:
      return new Float32Array(new Float64Array(buffer, byteOffset, length));
  }
}

export function floatReader(column: Column): Reader<number> {
  const { field, values, length } = column;
  if (field.type.kind !== 'float' || field.type.bits !== 64) {
    const numbers = float32Values(column);
    return (row) => numbers[row] as number;
  }
  const { buffer, byteOffset } = alignedTo(8, values);
  const numbers = new Float64Array(buffer, byteOffset, length);
  return (row) => numbers[row] as number;
}

export function boolReader({ values }: Column): Reader<boolean> {
  return (row) => ((values[row >> 3] as number) & (1 << (row & 7))) !== 0;
}

/** UTF-8 of a row, a view. */
export function textReader(column: Column): Reader<Uint8Array> {
  return column.field.type.kind === 'utf8_view' ? viewedTextReader(column) : plainTextReader(column);
}

function plainTextReader({ field, values, offsets }: Column): Reader<Uint8Array> {
  if (offsets === undefined) throw new Error(`column ${field.name} holds no texts`);
  const start = offsets[0] as number;
  const end = offsets[offsets.length - 1] as number;
  if (!isUtf8(values.subarray(start, end)) || cutsCharacters(values, offsets)) throw notUtf8(field.name);
  return (row) => values.subarray(offsets[row], offsets[row + 1]);
}

/** Whether a text begins in the middle of a character of valid UTF-8. */
function cutsCharacters(values: Uint8Array, offsets: Int32Array | Float64Array): boolean {
  const end = offsets[offsets.length - 1] as number;
  return offsets.some((offset) => offset < end && ((values[offset] as number) & 0xc0) === 0x80);
}

function viewedTextReader({ field, values, texts }: Column): Reader<Uint8Array> {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return (row) => {
    const at = row * VIEW_BYTES;
    const length = view.getInt32(at, true);
    const isInline = length <= INLINE_TEXT_BYTES;
    const from = isInline ? values : texts[view.getInt32(at + 8, true)];
    const start = isInline ? at + 4 : view.getInt32(at + 12, true);
    if (from === undefined || length < 0 || start < 0 || start + length > from.length) {
      throw malformed(`a text of column ${field.name} lies beyond its buffers`);
    }
    const bytes = from.subarray(start, start + length);
    if (!isUtf8(bytes)) throw notUtf8(field.name);
    return bytes;
  };
}

function notUtf8(name: string): Error {
  return malformed(`a text of column ${name} is not UTF-8`);
}

/** IEEE 754 binary16. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
