// The schema of an Arrow stream: names and types of its columns. Runs on any thread.
// Source: https://github.com/apache/arrow/blob/main/format/Schema.fbs

import { ARROW_COLUMNS_MAX, PAYLOAD_DEPTH_MAX } from '../limits.js';
import type { FlatTable } from './flat-table.js';
import { malformed, readUntrusted } from './malformed.js';
import { headerTable } from './message.js';

export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

export type DataType =
  | { kind: 'null' | 'bool' | 'utf8_view' }
  | { kind: 'int'; bits: IntBits; isSigned: boolean }
  | { kind: 'float'; bits: 16 | 32 | 64 }
  | { kind: 'utf8' | 'list'; isLarge: boolean }
  | { kind: 'fixed_size_list'; size: number }
  | { kind: 'date'; unit: 'day' | 'ms' }
  | { kind: 'timestamp'; unit: TimeUnit }
  /** Known by name only: its buffers cannot be told apart. */
  | { kind: 'other'; name: string };

type IntBits = 8 | 16 | 32 | 64;

export interface Field {
  name: string;
  type: DataType;
  children: Field[];
  /** The column holds places in this dictionary; `type` and `children` are those of the dictionary. */
  dictionary: { id: number; indexType: DataType & { kind: 'int' } } | undefined;
}

/** By the number of a type in Schema.fbs. */
const TYPE_NAMES = [
  'none',
  'null',
  'int',
  'float',
  'binary',
  'utf8',
  'bool',
  'decimal',
  'date',
  'time',
  'timestamp',
  'interval',
  'list',
  'struct',
  'union',
  'fixed_size_binary',
  'fixed_size_list',
  'map',
  'duration',
  'large_binary',
  'large_utf8',
  'large_list',
  'run_end_encoded',
  'binary_view',
  'utf8_view',
  'list_view',
  'large_list_view',
];
const TIME_UNITS: TimeUnit[] = ['s', 'ms', 'us', 'ns'];
const DATE_MS = 1;

/** The columns in a schema message's metadata. @throws malformed_arrow */
export function readSchema(metadata: Uint8Array): Field[] {
  return readUntrusted('the schema', () => {
    const schema = headerTable(metadata);
    if (schema.int16(0) !== 0) throw malformed('its numbers are big-endian');
    const budget = { fields: ARROW_COLUMNS_MAX };
    return schema.tables(1).map((table) => readField(table, budget, 1));
  });
}

/** Metadata may name one child in many places: the budget ends what the depth does not. */
function readField(table: FlatTable, budget: { fields: number }, depth: number): Field {
  budget.fields -= 1;
  if (budget.fields < 0) throw malformed(`it has more than ${ARROW_COLUMNS_MAX} columns`);
  if (depth > PAYLOAD_DEPTH_MAX)
    throw malformed(`its columns are nested more than ${PAYLOAD_DEPTH_MAX} levels deep`);
  const dictionary = table.table(4);
  return {
    name: table.text(0),
    type: readType(table.uint8(2), table.table(3)),
    children: table.tables(5).map((child) => readField(child, budget, depth + 1)),
    dictionary: dictionary && { id: dictionary.count64(0), indexType: readInt(dictionary.table(1), 32) },
  };
}

function readType(number: number, table: FlatTable | undefined): DataType {
  const name = TYPE_NAMES[number] ?? `type ${number}`;
  switch (name) {
    case 'null':
    case 'bool':
    case 'utf8_view':
      return { kind: name };
    case 'int':
      return readInt(table, 0);
    case 'float':
      return { kind: 'float', bits: oneOf([16, 32, 64] as const, table?.int16(0) ?? 0) };
    case 'utf8':
    case 'large_utf8':
      return { kind: 'utf8', isLarge: name === 'large_utf8' };
    case 'list':
    case 'large_list':
      return { kind: 'list', isLarge: name === 'large_list' };
    case 'fixed_size_list':
      return { kind: 'fixed_size_list', size: listSize(table?.int32(0) ?? 0) };
    case 'date':
      return { kind: 'date', unit: (table?.int16(0, DATE_MS) ?? DATE_MS) === DATE_MS ? 'ms' : 'day' };
    case 'timestamp':
      return { kind: 'timestamp', unit: oneOf(TIME_UNITS, table?.int16(0) ?? 0) };
    default:
      return { kind: 'other', name };
  }
}

function readInt(table: FlatTable | undefined, fallbackBits: number): DataType & { kind: 'int' } {
  const bits = table?.int32(0) ?? fallbackBits;
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64)
    throw malformed(`it has integers of ${bits} bits`);
  return { kind: 'int', bits, isSigned: table === undefined || table.uint8(1) !== 0 };
}

function listSize(size: number): number {
  if (size < 0) throw malformed('a fixed_size_list has a negative size');
  return size;
}

function oneOf<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw malformed('a type in its schema has an unknown unit');
  return value;
}
