// The filter thread's view of a collection while it changes. What it is told of a commit may come after it has read of it
// in the store, and so it does here.

import { setImmediate, setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { encodeChanges } from '../../src/collections/filters.js';
import type { Filter } from '../../src/contract/filter.js';
import { type Meta, type PointRecord, PointsStore } from '../../src/storage/points-store.js';
import { PointFilters } from '../../src/workers/point-filters.js';

t.setTimeout(120_000);

const IS_TREE: Filter = { must: [{ key: 'kind', match: { value: 'tree' } }] };
/** Above what is looked up and sorted for a page. */
const MANY = 12_000;

type Change = { before: PointRecord | null; after: PointRecord | null };

class Points {
  readonly filters: PointFilters;
  readonly #store: PointsStore;
  readonly #records = new Map<string, PointRecord>();
  #meta: Meta = {
    formatVersion: 1,
    backend: 'mmap',
    sequence: 0,
    nextRow: 0,
    pointsCount: 0,
    generation: 0,
    rowBase: 0,
  };

  private constructor(store: PointsStore, path: string) {
    this.#store = store;
    this.filters = new PointFilters(path, []);
  }

  static async open(t: Test, count: number, kindOf: (id: number) => string): Promise<Points> {
    const path = t.testdir();
    const store = await PointsStore.open(path);
    const points = new Points(store, path);
    t.teardown(async () => {
      await points.filters.close();
      await store.close();
    });
    const ids = Array.from({ length: count }, (_, id) => id);
    for (let first = 0; first < count; first += 4000) {
      points.tell(await points.put(ids.slice(first, first + 4000), kindOf));
    }
    return points;
  }

  /** New versions of points, in new rows; committed, not told. */
  put(ids: number[], kindOf: (id: number) => string): Promise<Change[]> {
    const first = this.#meta.nextRow;
    const after = ids.map((id, index) => record(id, first + index, kindOf(id)));
    return this.#commit(after, first + ids.length);
  }

  /** Other payloads for points that keep their rows. */
  update(ids: number[], kind: string): Promise<Change[]> {
    const after = ids.map((id) => record(id, this.rowOf(id), kind));
    return this.#commit(after, this.#meta.nextRow);
  }

  async delete(ids: number[]): Promise<Change[]> {
    const changes = ids.map((id) => ({ before: this.#records.get(String(id)) ?? null, after: null }));
    const removeRows = ids.map((id) => this.rowOf(id));
    for (const id of ids) this.#records.delete(String(id));
    this.#meta = { ...this.#meta, sequence: this.#meta.sequence + 1 };
    await this.#store.commit({ put: [], removeRows, removeKeys: ids.map(String), meta: this.#meta });
    return changes;
  }

  tell(changes: Change[]): void {
    this.filters.change(encodeChanges(changes));
  }

  rowOf(id: number): number {
    return this.#records.get(String(id))?.row ?? -1;
  }

  async #commit(after: PointRecord[], nextRow: number): Promise<Change[]> {
    const changes = after.map((one) => ({ before: this.#records.get(String(one.id)) ?? null, after: one }));
    const removeRows = changes.flatMap(({ before, after: { row } }) =>
      before === null || before.row === row ? [] : [before.row],
    );
    for (const one of after) this.#records.set(String(one.id), one);
    this.#meta = { ...this.#meta, sequence: this.#meta.sequence + 1, nextRow };
    await this.#store.commit({ put: after, removeRows, removeKeys: [], meta: this.#meta });
    return changes;
  }
}

function record(id: number, row: number, kind: string): PointRecord {
  return { id, row, vectorChecksum: 0, payload: new TextEncoder().encode(JSON.stringify({ kind })) };
}

const kindOf = (id: number) => (id % 2 === 0 ? 'tree' : 'bush');

t.test(
  'a filter that reads payloads waits to be told of what has been replaced before its eyes',
  async (t) => {
    const points = await Points.open(t, 2000, kindOf);
    t.equal((await points.filters.count(IS_TREE)).count, 1000);
    const changes = await points.put([0, 1, 2, 3, 1998], kindOf);
    const asked = points.filters.rows(IS_TREE);
    await setTimeout(50);
    points.tell(changes);
    const { rows } = await asked;
    t.equal(rows.length, 1000);
    for (const id of [0, 2, 1998]) t.ok(rows.includes(points.rowOf(id)), `${id} by its new row`);
  },
);

t.test('a filter by ids, and one that looks up few rows, wait for it, too', async (t) => {
  const points = await Points.open(t, 2000, kindOf);
  const few: Filter = { must: [{ has_id: [4, 5, 6] }] };
  const fewTrees: Filter = { must: [...(few.must ?? []), ...(IS_TREE.must ?? [])] };
  for (const [filter, count] of [
    [few, 3],
    [fewTrees, 2],
  ] as const) {
    const changes = await points.put([4, 5], kindOf);
    const asked = points.filters.count(filter);
    await setTimeout(30);
    points.tell(changes);
    t.equal((await asked).count, count);
  }
});

t.test('it does not wait for ever', async (t) => {
  const points = await Points.open(t, 100, kindOf);
  await points.put([0], kindOf);
  t.equal((await points.filters.count(IS_TREE)).count, 49);
});

for (const [name, count] of [
  ['few', 1000],
  ['many', 2 * MANY],
] as const) {
  t.test(`no page of ${name} points lacks one that is replaced meanwhile, told or not`, async (t) => {
    const points = await Points.open(t, count, kindOf);
    for (const isIndexed of [false, true]) {
      if (isIndexed) await points.filters.setIndex({ key: 'kind', type: 'keyword' });
      const replaced = await points.put([0, 2, 500], kindOf);
      const asked = points.filters.page(IS_TREE, undefined, count);
      const late = await points.put([count - 2, count - 4], kindOf);
      const { keys } = await asked;
      points.tell(replaced);
      points.tell(late);
      t.equal(keys.length, count / 2);
      t.equal(new Set(keys).size, keys.length, 'each once');
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      t.strictSame(keys, sorted);
    }
  });
}

t.test(
  'points that change behind and before the place that is being read are as they are at last',
  async (t) => {
    const points = await Points.open(t, 3 * MANY, kindOf);
    let isAnswered = false;
    const asked = points.filters.rows(IS_TREE).finally(() => {
      isAnswered = true;
    });
    await setImmediate();
    const [first, last] = ['0', '9998'].map(Number) as [number, number];
    // In the order of keys, as text, these are read first and last.
    points.tell(await points.put([first, last], kindOf));
    points.tell(await points.update([10, 9996], 'bush'));
    points.tell(await points.update([1, 9995], 'tree'));
    points.tell(await points.delete([100, 9994]));
    if (isAnswered) return t.comment('the disk was too slow: all was read before');
    const { rows } = await asked;
    t.equal(rows.length, (3 * MANY) / 2 - 2);
    for (const id of [first, last, 1, 9995]) t.ok(rows.includes(points.rowOf(id)), `${id} is a tree`);
    for (const id of [10, 9996]) t.notOk(rows.includes(points.rowOf(id)), `${id} is none`);
  },
);

t.test('a facet without an index counts points that were replaced and not told of', async (t) => {
  const points = await Points.open(t, 1000, kindOf);
  const { facets: before } = await points.filters.facet('kind', {}, 10);
  const changes = await points.put([0, 1], kindOf);
  t.strictSame((await points.filters.facet('kind', {}, 10)).facets, before);
  points.tell(changes);
});

t.test('points that change while an index is filled are in it as they are at last', async (t) => {
  const points = await Points.open(t, MANY, kindOf);
  const expected = new Map(Array.from({ length: MANY }, (_, id) => [id, kindOf(id)]));
  let isFilled = false;
  const filled = points.filters.setIndex({ key: 'kind', type: 'keyword' }).then(() => {
    isFilled = true;
  });
  const untold: Change[][] = [];
  for (let turn = 0; turn < 40; turn++) {
    const ids = Array.from({ length: 50 }, (_, index) => (turn * 997 + index * 61) % MANY).filter((id) =>
      expected.has(id),
    );
    const distinct = [...new Set(ids)];
    const kind = `kind ${turn % 3}`;
    if (turn % 4 === 3) {
      untold.push(await points.delete(distinct));
      for (const id of distinct) expected.delete(id);
    } else {
      untold.push(await (turn % 2 === 0 ? points.update(distinct, kind) : points.put(distinct, () => kind)));
      for (const id of distinct) expected.set(id, kind);
    }
    // Several commits late, so that the filling reads what it is told of only later.
    if (untold.length > 3) points.tell(untold.shift() ?? []);
    await setImmediate();
  }
  t.comment(`filled meanwhile: ${isFilled}`);
  for (const changes of untold) points.tell(changes);
  await filled;
  for (const kind of ['tree', 'bush', 'kind 0', 'kind 1', 'kind 2', 'none']) {
    const filter: Filter = { must: [{ key: 'kind', match: { value: kind } }] };
    const { rows, unindexedKeys } = await points.filters.rows(filter);
    t.strictSame(unindexedKeys, []);
    const wanted = [...expected].filter(([, one]) => one === kind).map(([id]) => points.rowOf(id));
    t.strictSame(
      [...rows],
      wanted.sort((a, b) => a - b),
      kind,
    );
  }
});

t.test('what is asked while it is closed ends with an error, not with a part', async (t) => {
  const points = await Points.open(t, 20_000, kindOf);
  const asked = Promise.allSettled([
    points.filters.count(IS_TREE),
    points.filters.page(IS_TREE, undefined, 20_000),
  ]);
  await setImmediate();
  await points.filters.close();
  for (const outcome of await asked) {
    if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'shutting_down' });
    else t.match(outcome.value, 'count' in outcome.value ? { count: 10_000 } : { keys: { length: 10_000 } });
  }
});
