// Random tables as the official Arrow library writes them, with what a reader should make of their rows.
import {
  Bool,
  type DataType,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeUtf8,
  List,
  RecordBatchStreamWriter,
  Table,
  TimestampMicrosecond,
  TimestampMillisecond,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';

export const DIMENSION = 3;

export interface ExpectedPoint {
  id: string | number;
  vector: number[];
  payload: Record<string, unknown> | null;
}

export interface RandomTable {
  points: ExpectedPoint[];
  /** Rows of each record batch. */
  batchRows: number;
  /** An IPC stream. */
  bytes: Uint8Array;
}

interface Kind {
  type: () => DataType;
  /** What the library takes, with the JSON that is expected of it. */
  values: fc.Arbitrary<{ given: unknown; json: unknown }>;
}

const same = <Value>(values: fc.Arbitrary<Value>) => values.map((value) => ({ given: value, json: value }));
const big = (values: fc.Arbitrary<number>) => values.map((value) => ({ given: BigInt(value), json: value }));
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const safe = fc.maxSafeInteger();
const days = fc.integer({ min: -700_000, max: 700_000 });
const listOf = (type: DataType) => new List(new Field('item', type, true));
const orNull = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { freq: 3 });

const KINDS: Record<string, Kind> = {
  bool: { type: () => new Bool(), values: same(fc.boolean()) },
  int8: { type: () => new Int8(), values: same(fc.integer({ min: -128, max: 127 })) },
  int16: { type: () => new Int16(), values: same(fc.integer({ min: -32_768, max: 32_767 })) },
  uint16: { type: () => new Uint16(), values: same(fc.integer({ min: 0, max: 65_535 })) },
  int32: { type: () => new Int32(), values: same(fc.integer()) },
  int64: { type: () => new Int64(), values: big(safe) },
  uint64: { type: () => new Uint64(), values: big(fc.maxSafeNat()) },
  float32: { type: () => new Float32(), values: same(fc.float({ noNaN: true, noDefaultInfinity: true })) },
  float64: { type: () => new Float64(), values: same(fc.double({ noNaN: true, noDefaultInfinity: true })) },
  utf8: { type: () => new Utf8(), values: same(text) },
  large_utf8: { type: () => new LargeUtf8(), values: same(text) },
  dictionary: {
    type: () => new Dictionary(new Utf8(), new Int16()),
    values: same(fc.constantFrom('a', 'b', 'ü', '')),
  },
  millis: {
    type: () => new TimestampMillisecond(),
    values: days.map((day) => ({
      given: new Date(day * 86_400_123),
      json: new Date(day * 86_400_123).toISOString(),
    })),
  },
  micros: {
    type: () => new TimestampMicrosecond(),
    values: days.map((day) => ({
      given: day * 86_400_123,
      json: new Date(day * 86_400_123).toISOString().replace('Z', '000Z'),
    })),
  },
  texts: { type: () => listOf(new Utf8()), values: same(fc.array(orNull(text), { maxLength: 4 })) },
  nested: {
    type: () => listOf(listOf(new Int32())),
    values: same(fc.array(fc.array(fc.integer(), { maxLength: 3 }), { maxLength: 3 })),
  },
};

const ID_KINDS = {
  utf8: { type: () => new Utf8(), ids: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
  uint32: { type: () => new Uint32(), ids: fc.nat() },
};

const vectorNumbers = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), {
  minLength: DIMENSION,
  maxLength: DIMENSION,
});

/** Tables of 1 to `rowsMax` rows with unique ids, a vector that is not zero, and columns of any kind that a payload may have. */
export function randomTables(rowsMax: number): fc.Arbitrary<RandomTable> {
  return fc
    .record({
      idKind: fc.constantFrom<'utf8' | 'uint32'>('utf8', 'uint32'),
      names: fc.uniqueArray(fc.constantFrom(...Object.keys(KINDS)), { maxLength: 6 }),
      batchRows: fc.integer({ min: 1, max: rowsMax }),
    })
    .chain(({ idKind, names, batchRows }) => {
      const values = Object.fromEntries(names.map((name) => [name, orNull((KINDS[name] as Kind).values)]));
      const row = fc.record({
        id: ID_KINDS[idKind].ids as fc.Arbitrary<string | number>,
        vector: vectorNumbers.filter((numbers) => numbers.some((number) => Math.abs(number) > 1e-9)),
        values: fc.record(values),
      });
      return fc
        .uniqueArray(row, { minLength: 1, maxLength: rowsMax, selector: ({ id }) => id })
        .map((rows) => makeTable(ID_KINDS[idKind].type(), names, rows, batchRows));
    });
}

interface Row {
  id: string | number;
  vector: number[];
  values: Record<string, { given: unknown; json: unknown } | null>;
}

function makeTable(idType: DataType, names: string[], rows: Row[], batchRows: number): RandomTable {
  const columns: Record<string, Vector> = {
    id: vectorFromArray(
      rows.map(({ id }) => id),
      idType,
    ),
  };
  // In the middle, so that it is found by its name.
  for (const [index, name] of names.entries()) {
    if (index === 1) columns.vector = vectorColumn(rows);
    const given = rows.map(({ values }) => values[name]?.given ?? null);
    columns[name] = vectorFromArray(given, (KINDS[name] as Kind).type());
  }
  columns.vector ??= vectorColumn(rows);
  const points = rows.map(({ id, vector, values }) => {
    const members = Object.entries(values).flatMap(([name, value]) =>
      value === null ? [] : [[name, value.json]],
    );
    return { id, vector, payload: members.length === 0 ? null : Object.fromEntries(members) };
  });
  return { points, batchRows, bytes: streamOf(new Table(columns), batchRows) };
}

function vectorColumn(rows: Row[]): Vector {
  const type = new FixedSizeList(DIMENSION, new Field('item', new Float32(), false));
  return vectorFromArray(
    rows.map(({ vector }) => vector),
    type,
  );
}

/** An IPC stream of the table, in record batches of so many rows. */
export function streamOf(table: Table, batchRows: number): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  for (let first = 0; first < table.numRows; first += batchRows) {
    for (const batch of table.slice(first, first + batchRows).batches) writer.write(batch);
  }
  writer.finish();
  return writer.toUint8Array(true);
}
