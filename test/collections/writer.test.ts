import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { CommitPlaces } from '../../src/collections/commit-group.js';
import { DiskReserve } from '../../src/collections/disk-reserve.js';
import { Writer } from '../../src/collections/writer.js';
import { ServiceError } from '../../src/errors.js';
import { PendingSegments } from '../../src/storage/pending-segments.js';
import { type Changes, type Meta, PointsStore } from '../../src/storage/points-store.js';
import { VectorReader } from '../../src/storage/vectors.js';
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

interface Faults {
  reserveBytes?: number;
  reserve?: CommitPlaces['reserve'];
  /** Stands before each commit; throwing fails it. */
  beforeCommit?: (changes: Changes) => void;
}

/** A writer over real files; `commits` and `published` tell what it did. */
async function openWriter(t: Test, faults: Faults = {}) {
  const directory = t.testdir();
  const segments = join(directory, 'segments');
  await mkdir(segments);
  const store = await PointsStore.open(join(directory, 'points'));
  const commits: Changes[] = [];
  const commit = store.commit.bind(store);
  await commit({ put: [], removeRows: [], removeKeys: [], meta: EMPTY });
  store.commit = async (changes) => {
    commits.push(changes);
    faults.beforeCommit?.(changes);
    await commit(changes);
  };
  const pending = await PendingSegments.open({
    directory: segments,
    rows: { dimension: 2, precision: 'float32' },
    rowBase: 0,
    rowEnd: 0,
    backend: 'mmap',
  });
  const published: { nextRow: number; deadRows: readonly number[] }[] = [];
  const writer = new Writer({
    name: 'test',
    rowBytes: 8,
    meta: EMPTY,
    store,
    pending,
    disk: new DiskReserve(directory, faults.reserveBytes ?? 0),
    reserve: faults.reserve ?? (() => {}),
    appended: () => {},
    publish: ({ meta, deadRows }) => void published.push({ nextRow: meta.nextRow, deadRows }),
  });
  t.teardown(async () => {
    await writer.close(new ServiceError('shutting_down'));
    await pending.close();
    await store.close();
  });
  const upsert = (...ids: (string | number)[]) =>
    writer.submit({ kind: 'upsert', batch: batchOf(ids.map((id) => ({ id, vector: [Number(id), 1] }))) });
  const remove = (...ids: (string | number)[]) => writer.submit({ kind: 'delete', ids });
  return { writer, store, pending, published, commits, upsert, remove };
}

t.test('writes that wait together share one commit', async (t) => {
  const { commits, published, store, pending, upsert, remove } = await openWriter(t);
  const results = await Promise.all([upsert(1, 2), upsert(2, 3), remove(1), upsert(4)]);
  t.strictSame(
    results.map((result) => result.sequence),
    [1, 2, 3, 4],
  );
  t.strictSame(
    results.map((result) => result.affected),
    [2, 2, 1, 1],
  );
  t.ok(commits.length <= 2, `${commits.length} commits`);
  t.match(store.meta(), { sequence: 4, nextRow: 5, pointsCount: 3 });
  t.equal(store.get('1'), undefined);
  t.match(store.get('2'), { id: 2, row: 2 });
  t.strictSame([...store.tombstonedRows()], [0, 1]);
  t.strictSame(published.at(-1)?.nextRow, 5);
  const stored = new VectorReader(pending.descriptor()).get(4).slice();
  t.strictSame([...new Float32Array(stored.buffer)], [4, 1]);
});

t.test('a write is published before it is acknowledged', async (t) => {
  const { published, upsert } = await openWriter(t);
  await upsert(1);
  t.strictSame(published, [{ nextRow: 1, deadRows: [] }]);
  await upsert('1');
  t.strictSame(published[1], { nextRow: 2, deadRows: [0] });
});

t.test('a failed commit takes everything of its group back', async (t) => {
  let failing = true;
  const { store, pending, published, upsert } = await openWriter(t, {
    beforeCommit: () => {
      if (failing) throw new Error('no commit today');
    },
  });
  const results = await Promise.allSettled([upsert(1, 2), upsert(3)]);
  const reason = { message: 'no commit today' };
  t.match(results, [{ reason }, { reason }]);
  t.equal(pending.nextRow, 0);
  t.equal(store.meta()?.sequence, 0);
  t.strictSame(published, []);
  failing = false;
  t.match(await upsert(7), { sequence: 1 });
  t.match(store.get('7'), { row: 0 });
});

t.test('a mutation without room is refused alone', async (t) => {
  const { store, upsert, remove } = await openWriter(t, {
    reserve: (nextRow) => {
      if (nextRow > 3) throw new ServiceError('memory_full', { needed: nextRow, limit: 3 });
    },
  });
  const [first, second, third] = await Promise.allSettled([upsert(1, 2), upsert(3, 4), remove(1)]);
  t.match(first, { status: 'fulfilled' });
  t.match(second, { status: 'rejected', reason: { code: 'memory_full' } });
  t.match(third, { status: 'fulfilled', value: { affected: 1, sequence: 2 } });
  t.match(store.meta(), { sequence: 2, nextRow: 2, pointsCount: 1 });
});

t.test('a nearly full disk refuses inserts and lets deletes through', async (t) => {
  const { upsert, remove } = await openWriter(t, { reserveBytes: Number.MAX_SAFE_INTEGER });
  await t.rejects(upsert(1), { code: 'disk_full' });
  t.match(await remove(1), { affected: 0, sequence: 1 });
});

t.test('more waiting writes than the queue holds are refused', async (t) => {
  const { upsert } = await openWriter(t);
  const results = await Promise.allSettled(Array.from({ length: 400 }, (_, index) => upsert(index)));
  const refused = results.filter((result) => result.status === 'rejected');
  t.ok(refused.length > 0 && refused.length < 200, `${refused.length} refused`);
  t.match(refused[0], { reason: { code: 'too_many_requests' } });
});

t.test('an exclusive step stands between what was submitted before and after it', async (t) => {
  const { writer, upsert } = await openWriter(t);
  const before = upsert(1, 2);
  const seen = writer.exclusive(async () => ({ ...writer.meta }));
  const after = upsert(3);
  t.match(await seen, { sequence: 1, nextRow: 2 });
  t.match([await before, await after], [{ sequence: 1 }, { sequence: 2 }]);
  await t.rejects(
    writer.exclusive(async () => {
      throw new Error('a step fails');
    }),
    { message: 'a step fails' },
  );
  t.match(await upsert(4), { sequence: 3 });
});

t.test('a closed writer refuses what waits and what comes', async (t) => {
  const { writer, upsert } = await openWriter(t);
  const running = upsert(1);
  await new Promise((resolve) => setImmediate(resolve));
  const waiting = upsert(2);
  const closing = writer.close(new ServiceError('shutting_down'));
  await t.rejects(waiting, { code: 'shutting_down' });
  t.match(await running, { sequence: 1 });
  await closing;
  await t.rejects(upsert(3), { code: 'shutting_down' });
});

t.test('a large batch leaves turns to the event loop', async (t) => {
  const { upsert } = await openWriter(t);
  let turns = 0;
  const count = () => {
    turns++;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  await upsert(...Array.from({ length: 5000 }, (_, index) => index));
  clearImmediate(timer);
  t.ok(turns > 15, `${turns} turns`);
});
