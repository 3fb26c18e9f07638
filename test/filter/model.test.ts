// Payload indexes against the predicate: selections after random writes, for random filters and types of indexes.

import { env } from 'node:process';
import fc from 'fast-check';
import { RoaringArenaAllocator } from 'roaring-wasm';
import t from 'tap';
import type { Filter } from '../../src/contract/filter.js';
import type { Payload } from '../../src/contract/payload.js';
import { type PayloadIndexType, payloadIndexType } from '../../src/contract/payload-index.js';
import { PayloadIndexes } from '../../src/filter/payload-indexes.js';
import { filterPredicate } from '../../src/filter/predicate.js';
import { RowSet } from '../../src/filter/row-set.js';
import { pathOf, valuesAt } from '../../src/filter/values.js';
import { filter, IDS, KEYS, payload } from './filters.js';

/** More of them find more: MODEL_RUNS=20000. */
const RUNS = Number(env.MODEL_RUNS ?? 300);

t.setTimeout(60_000 + RUNS * 100);

/** Apart by less and by more than a chunk of a column, and than a block of a bitmap. */
const ROW_STEPS = [1, 700, 5000, 70_000];

interface Point {
  row: number;
  payload: Payload | null;
}

interface Write {
  id: number;
  /** Undefined to delete the point. */
  payload: Payload | null | undefined;
  /** The row of the new version is one that no other had. */
  isNewRow: boolean;
  /** What went is not live any more, and not out of the indexes yet. */
  isLate: boolean;
}

const write: fc.Arbitrary<Write> = fc.record({
  id: fc.nat(IDS - 1),
  payload: fc.oneof({ weight: 4, arbitrary: payload }, { weight: 1, arbitrary: fc.constant(undefined) }),
  isNewRow: fc.boolean(),
  isLate: fc.nat(9).map((one) => one === 0),
});

const indexType = fc.option(fc.constantFrom(...payloadIndexType.options), { freq: 8 });
const setup = fc.record({
  types: fc.tuple(...KEYS.map(() => indexType)),
  rowStep: fc.constantFrom(...ROW_STEPS),
  writes: fc.array(write, { maxLength: 60 }),
  filters: fc.array(filter, { minLength: 10, maxLength: 40 }),
  unready: fc.option(fc.constantFrom(...KEYS)),
  /** How many writes come before the index of the first key is made; it is filled from what is there. */
  filledAfter: fc.nat(30),
});
type Setup = typeof setup extends fc.Arbitrary<infer S> ? S : never;

class Model {
  readonly indexes = new PayloadIndexes();
  readonly points = new Map<string, Point>();
  readonly #rowStep: number;
  #nextRow = 0;

  constructor(rowStep: number) {
    this.#rowStep = rowStep;
  }

  write({ id, payload, isNewRow, isLate }: Write): void {
    const old = this.points.get(String(id));
    if (old !== undefined) {
      this.points.delete(String(id));
      if (!isLate) this.indexes.remove(old.row, old.payload);
    }
    if (payload === undefined) return;
    const isReused = old !== undefined && !isNewRow && !isLate;
    const row = isReused ? old.row : this.#nextRow++ * this.#rowStep;
    this.points.set(String(id), { row, payload });
    this.indexes.add(row, payload);
    this.indexes.add(row, payload);
  }

  fill(key: string, type: PayloadIndexType): void {
    this.indexes.set(key, type);
    for (const { row, payload } of this.points.values()) this.indexes.addTo(key, row, payload);
  }

  live(): RowSet {
    return RowSet.of([...this.points.values()].map(({ row }) => row));
  }
}

let selections = 0;
let exact = 0;

function checkFilter(model: Model, live: RowSet, one: Filter, isReady: (key: string) => boolean): void {
  const holds = filterPredicate(one);
  const expected = [...model.points].filter(([id, { payload }]) => holds(id, payload));
  const expectedRows = expected.map(([, { row }]) => row).sort((a, b) => a - b);
  const selection = model.indexes.select(one, live, (id) => model.points.get(id)?.row, isReady);
  const rows = [...selection.rows.toUint32Array()];
  selections++;
  if (selection.isExact) exact++;
  const context = JSON.stringify({ rows, expectedRows, unindexed: selection.unindexedKeys });
  if (!expectedRows.every((row) => selection.rows.has(row))) throw new Error(`rows are missing: ${context}`);
  if (!rows.every((row) => live.has(row))) throw new Error(`rows that are not live: ${context}`);
  if (selection.isExact && rows.length !== expectedRows.length) throw new Error(`not exact: ${context}`);
  if (selection.isExact && selection.unindexedKeys.length > 0) throw new Error(`keys wanted: ${context}`);
  selection.rows.dispose();
}

function checkFacets(model: Model, live: RowSet, key: string, type: PayloadIndexType): void {
  const found = model.indexes.facet(key, live, 3);
  if (type !== 'keyword' && type !== 'integer' && type !== 'bool') {
    if (found !== undefined) throw new Error(`facets of ${type}`);
    return;
  }
  const kinds = { keyword: 'string', integer: 'number', bool: 'boolean' };
  const counts = new Map<unknown, number>();
  for (const { payload } of model.points.values()) {
    for (const value of new Set(valuesAt(payload, pathOf(key)).values)) {
      if (typeof value !== kinds[type] || (type === 'integer' && !Number.isInteger(value))) continue;
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const expected = [...counts]
    .sort(([a, m], [b, n]) => n - m || ((a as number) < (b as number) ? -1 : 1))
    .slice(0, 3)
    .map(([value, count]) => ({ value, count }));
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`facets ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }
}

function run({ types, rowStep, writes, filters, unready, filledAfter }: Setup): void {
  const model = new Model(rowStep);
  const typed = KEYS.map((key, at) => [key, types[at]] as const).filter(
    (entry): entry is readonly [string, PayloadIndexType] => entry[1] !== null,
  );
  for (const [key, type] of typed.slice(1)) model.indexes.set(key, type);
  for (const one of writes.slice(0, filledAfter)) model.write(one);
  for (const [key, type] of typed.slice(0, 1)) model.fill(key, type);
  for (const one of writes.slice(filledAfter)) model.write(one);
  const live = model.live();
  for (const one of filters) checkFilter(model, live, one, (key) => key !== unready);
  for (const [key, type] of typed) checkFacets(model, live, key, type);
  live.dispose();
  model.indexes.dispose();
}

/** An arena knows the bitmaps made while it is open that were not disposed of. */
function runWithoutLeak(one: Setup): void {
  const arena = RoaringArenaAllocator.start();
  try {
    run(one);
    if (arena.size > 0) throw new Error(`${arena.size} sets were not disposed of`);
  } finally {
    arena.stop();
  }
}

t.test(
  'a selection has every row that the predicate holds for, and no other where it is exact',
  async (t) => {
    fc.assert(fc.property(setup, runWithoutLeak), { numRuns: RUNS, verbose: true });
    t.comment(`${exact} of ${selections} selections were exact`);
    t.ok(exact > selections / 10, 'not all answers are loose');
  },
);
