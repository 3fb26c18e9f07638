// Columns of an Arrow table as the members of payloads: the JSON text of each value. Runs on an ingest worker.

import { type Column, isNull, unreadable } from '../arrow/columns.js';
import type { TimeUnit } from '../arrow/schema.js';
import { bigIntReader, boolReader, floatReader, integerReader, textReader } from '../arrow/values.js';
import { PAYLOAD_BYTES_MAX } from '../limits.js';

/** The JSON text of a row's value. @throws ValueRefusal */
export type JsonReader = (row: number) => string;

/** Why a value cannot stand in a payload. */
export class ValueRefusal extends Error {}

const FRACTION_DIGITS: Record<TimeUnit, number> = { s: 0, ms: 3, us: 6, ns: 9 };
const SECONDS_A_DAY = 86_400;
/** 0000-01-01 and the end of 9999-12-31: the years that RFC 3339 can write. */
const SECONDS_MIN = -62_167_219_200;
const SECONDS_MAX = 253_402_300_799;

/** @throws not_supported, naming the column, for types that no payload has */
export function jsonReader(column: Column): JsonReader {
  const { field, dictionary } = column;
  if (dictionary !== undefined) return dictionaryReader(column, dictionary);
  const { type } = field;
  switch (type.kind) {
    case 'bool': {
      const read = boolReader(column);
      return (row) => (read(row) ? 'true' : 'false');
    }
    case 'int':
      return integerText(column);
    case 'float':
      return floatText(column);
    case 'utf8':
    case 'utf8_view':
      return quotedText(column);
    case 'timestamp':
      return timestampText(column, FRACTION_DIGITS[type.unit]);
    case 'date':
      return dateText(column, type.unit);
    case 'list':
    case 'fixed_size_list':
      return listText(column);
    case 'null':
      return () => 'null';
    case 'other':
      throw unreadable(field);
  }
}

/** The null of a list's member stays in its place; that of a row is the caller's matter. */
function orNull(column: Column, read: JsonReader): JsonReader {
  return (row) => (isNull(column, row) ? 'null' : read(row));
}

/** Each text of a dictionary is written once. */
function dictionaryReader(column: Column, dictionary: Column): JsonReader {
  const read = orNull(dictionary, jsonReader(dictionary));
  const indexOf = integerReader(column);
  const texts: string[] = [];
  return (row) => {
    const index = indexOf(row);
    if (!(index >= 0 && index < dictionary.length)) throw new ValueRefusal('is not in its dictionary');
    texts[index] ??= read(index);
    return texts[index];
  };
}

function integerText(column: Column): JsonReader {
  const read = integerReader(column);
  return (row) => {
    const value = read(row);
    if (Number.isSafeInteger(value)) return String(value);
    throw new ValueRefusal('is an integer beyond 2^53-1; cast the column to utf8');
  };
}

function floatText(column: Column): JsonReader {
  const read = floatReader(column);
  return (row) => {
    const value = read(row);
    if (Number.isFinite(value)) return String(value);
    throw new ValueRefusal('is NaN or infinite, which JSON cannot hold; write a null instead');
  };
}

function quotedText(column: Column): JsonReader {
  const read = textReader(column);
  return (row) => {
    const bytes = read(row);
    if (bytes.length > PAYLOAD_BYTES_MAX) throw tooLong();
    return JSON.stringify(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  };
}

/** RFC 3339 in UTC; a column without a zone is taken for UTC. As many digits of a second as its unit has. */
function timestampText(column: Column, digits: number): JsonReader {
  const read = bigIntReader(column);
  const unitsASecond = 10n ** BigInt(digits);
  return (row) => {
    const value = read(row);
    const fraction = ((value % unitsASecond) + unitsASecond) % unitsASecond;
    const time = secondsText(Number((value - fraction) / unitsASecond)).slice(0, 19);
    return digits === 0 ? `"${time}Z"` : `"${time}.${String(fraction).padStart(digits, '0')}Z"`;
  };
}

/** `2026-11-24` */
function dateText(column: Column, unit: 'day' | 'ms'): JsonReader {
  if (unit === 'day') {
    const days = new Int32Array(column.values.slice(0, column.length * 4).buffer);
    return (row) => `"${secondsText((days[row] as number) * SECONDS_A_DAY).slice(0, 10)}"`;
  }
  const read = bigIntReader(column);
  return (row) => `"${secondsText(Math.floor(Number(read(row)) / 1000)).slice(0, 10)}"`;
}

function secondsText(seconds: number): string {
  if (seconds >= SECONDS_MIN && seconds <= SECONDS_MAX) return new Date(seconds * 1000).toISOString();
  throw new ValueRefusal('is outside of the years 0 to 9999');
}

function listText({ field, offsets, children }: Column): JsonReader {
  const child = children[0] as Column;
  const read = orNull(child, jsonReader(child));
  const size = field.type.kind === 'fixed_size_list' ? field.type.size : 0;
  return (row) => {
    const start = offsets?.[row] ?? row * size;
    const end = offsets?.[row + 1] ?? start + size;
    const texts: string[] = [];
    // A list of nulls has a length and no bytes: what comes out is bounded here, not by the body.
    for (let bytes = 0, entry = start; entry < end; entry += 1) {
      const text = read(entry);
      bytes += text.length + 1;
      if (bytes > PAYLOAD_BYTES_MAX) throw tooLong();
      texts.push(text);
    }
    return `[${texts.join(',')}]`;
  };
}

function tooLong(): ValueRefusal {
  return new ValueRefusal(`is too long: a payload has at most ${PAYLOAD_BYTES_MAX} bytes`);
}
