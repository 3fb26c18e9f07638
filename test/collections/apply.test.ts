import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { apply } from '../../src/collections/apply.js';
import type { Mutation } from '../../src/collections/mutation.js';
import { Overlay } from '../../src/collections/overlay.js';
import { idKey, type PointId } from '../../src/contract/points.js';
import type { Changes, Meta, PointRecord } from '../../src/storage/points-store.js';
import { batchOf } from './batches.js';

const EMPTY: Meta = {
  formatVersion: 1,
  sequence: 0,
  nextRow: 0,
  pointsCount: 0,
  backend: 'mmap',
  generation: 0,
  rowBase: 0,
};

/** What a store would hold. */
class Stored {
  readonly records = new Map<string, PointRecord>();
  readonly rows = new Map<number, PointId>();
  readonly tombstones = new Set<number>();
  meta = EMPTY;

  get contents() {
    return { records: this.records, rows: this.rows, tombstones: this.tombstones, meta: this.meta };
  }

  readonly lookup = (key: string) => this.records.get(key);

  take(changes: Changes): void {
    for (const row of changes.removeRows) {
      this.rows.delete(row);
      this.tombstones.add(row);
    }
    for (const key of changes.removeKeys) this.records.delete(key);
    for (const record of changes.put) {
      this.records.set(idKey(record.id), record);
      this.rows.set(record.row, record.id);
    }
    this.meta = changes.meta;
  }
}

// Few ids, so that they meet; 5 and "5" name the same point.
const id = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom<PointId>('0', '5', 'a', 'b', 'a longer one'),
);
const distinctIds = fc.uniqueArray(id, { selector: idKey, minLength: 1, maxLength: 6 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 4, arbitrary: distinctIds.map(upsertOf) },
  { weight: 2, arbitrary: fc.array(id, { maxLength: 6 }).map((ids): Mutation => ({ kind: 'delete', ids })) },
  { weight: 1, arbitrary: fc.constantFrom<Mutation>({ kind: 'set_storage', backend: 'memory' }) },
);

function upsertOf(ids: PointId[]): Mutation {
  return {
    kind: 'upsert',
    batch: batchOf(ids.map((one, index) => ({ id: one, vector: [index, ids.length] }))),
  };
}

/** What the mutations come to, by the plainest means. */
class Model {
  readonly points = new Map<string, { id: PointId; row: number }>();
  nextRow = 0;

  /** Returns the number of points stored or removed. */
  take(one: Mutation): number {
    const before = this.points.size;
    if (one.kind === 'delete') for (const pointId of one.ids) this.points.delete(idKey(pointId));
    if (one.kind !== 'upsert') return before - this.points.size;
    for (const pointId of one.batch.ids)
      this.points.set(idKey(pointId), { id: pointId, row: this.nextRow++ });
    return one.batch.count;
  }
}

t.test('applied mutations make what a Map would', async () => {
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 30 }), (mutations) => {
      const stored = new Stored();
      const model = new Model();
      for (const [index, one] of mutations.entries()) {
        const { changes, result } = apply(stored.lookup, stored.meta, one);
        stored.take(changes);
        assert.deepEqual(result, { affected: model.take(one), sequence: index + 1 });
      }
      const alive = [...stored.records].map(
        ([key, { id: pointId, row }]) => [key, { id: pointId, row }] as const,
      );
      assert.deepEqual(new Map(alive), model.points);
      assert.deepEqual(
        stored.rows,
        new Map([...model.points.values()].map(({ id: pointId, row }) => [row, pointId])),
      );
      assert.equal(stored.tombstones.size, model.nextRow - model.points.size);
      const { sequence, nextRow, pointsCount } = stored.meta;
      assert.deepEqual(
        [sequence, nextRow, pointsCount],
        [mutations.length, model.nextRow, model.points.size],
      );
    }),
    { verbose: true },
  );
});

t.test('a group through an overlay leaves the same as its mutations one by one', async () => {
  fc.assert(
    fc.property(fc.array(fc.array(mutation, { maxLength: 5 }), { maxLength: 8 }), (groups) => {
      const single = new Stored();
      const grouped = new Stored();
      for (const group of groups) {
        const overlay = new Overlay(grouped.lookup);
        let { meta } = grouped;
        for (const one of group) {
          single.take(apply(single.lookup, single.meta, one).changes);
          const { changes } = apply((key) => overlay.lookup(key), meta, one);
          overlay.absorb(changes);
          meta = changes.meta;
        }
        grouped.take(overlay.changes(meta));
      }
      assert.deepEqual(grouped.contents, single.contents);
    }),
    { verbose: true },
  );
});

t.test('an id that stands in a batch twice keeps the later vector', async (t) => {
  const batch = batchOf([
    { id: 5, vector: [1, 2] },
    { id: '5', vector: [3, 4] },
  ]);
  const { changes, result } = apply(() => undefined, EMPTY, { kind: 'upsert', batch });
  t.equal(result.affected, 2);
  t.equal(changes.meta.pointsCount, 1);
  t.match(changes.put, [{ id: '5', row: 1 }]);
  t.strictSame(changes.removeRows, [0]);
});

t.test('apply leaves the counters it is given alone', async (t) => {
  const meta = { ...EMPTY };
  apply(() => undefined, meta, upsertOf([1, 2]));
  t.strictSame(meta, EMPTY);
});
