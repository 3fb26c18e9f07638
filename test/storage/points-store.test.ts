import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Meta, PointsStore } from '../../src/storage/points-store.js';
import { codeOf, temporaryDirectory } from './fixtures.js';

const META: Meta = {
  formatVersion: 1,
  sequence: 1,
  nextRow: 0,
  pointsCount: 0,
  backend: 'mmap',
  generation: 0,
  rowBase: 0,
};
const payload = new TextEncoder().encode('{"colour":"green"}');

t.test('gives back points, ids, tombstones and counters, also after reopening', async (t) => {
  const path = join(temporaryDirectory(t), 'points');
  let store = await PointsStore.open(path);
  t.equal(store.meta(), undefined);
  const points = [
    { id: 'a', row: 0, vectorChecksum: 0xffff_ffff, payload },
    { id: 42, row: 1, vectorChecksum: 7, payload: null },
    { id: 'zero\u0000inside', row: 2, vectorChecksum: 0, payload: new Uint8Array() },
    { id: 'grün \u{1f333}', row: 0xffff_fffd, vectorChecksum: 1, payload: new Uint8Array(60_000).fill(32) },
  ];
  await store.commit({ put: points, removeRows: [], removeKeys: [], meta: META });
  for (let round = 0; round < 2; round++) {
    for (const point of points) {
      t.same(store.get(String(point.id)), point);
      t.equal(store.rowId(point.row), point.id);
    }
    t.equal(store.get('b'), undefined);
    t.equal(store.rowId(3), undefined);
    t.same(
      [...store.records()].map(({ id }) => id),
      [42, 'a', 'grün \u{1f333}', 'zero\u0000inside'],
    );
    t.same(
      [...store.records('a')].map(({ row }) => row),
      [0xffff_fffd, 2],
    );
    t.same(
      [...store.rowIds(1)].map(([row]) => row),
      [2, 0xffff_fffd],
    );
    t.same(store.meta(), META);
    await store.close();
    store = await PointsStore.open(path);
  }
  const meta: Meta = { ...META, sequence: 2, generation: 5, backend: 'memory' };
  const replaced = { id: 'a', row: 9, vectorChecksum: 3, payload: null };
  await store.commit({ put: [replaced], removeRows: [0, 1], removeKeys: ['42'], meta });
  t.same(store.get('a'), replaced);
  t.equal(store.has('42'), false);
  t.equal(store.rowId(0), undefined);
  t.same([...store.tombstonedRows()], [0, 1]);
  await store.commit({ put: [], removeRows: [], removeKeys: [], clearTombstones: [0], meta });
  t.same([...store.tombstonedRows()], [1]);
  t.same(store.meta(), meta);
  t.ok((await store.diskBytes()) > 0);
  await store.close();
});

t.test('applies overlapping commits in the order they were made', async (t) => {
  const store = await PointsStore.open(join(temporaryDirectory(t), 'points'));
  t.teardown(() => store.close());
  await Promise.all(
    Array.from({ length: 50 }, (_, sequence) =>
      store.commit({
        put: [{ id: 'p', row: sequence, vectorChecksum: 0, payload: null }],
        removeRows: sequence > 0 ? [sequence - 1] : [],
        removeKeys: [],
        meta: { ...META, sequence },
      }),
    ),
  );
  t.equal(store.get('p')?.row, 49);
  t.equal(store.meta()?.sequence, 49);
  t.equal([...store.tombstonedRows()].length, 49);
});

t.test('a commit that cannot be encoded stores nothing', async (t) => {
  const store = await PointsStore.open(join(temporaryDirectory(t), 'points'));
  t.teardown(() => store.close());
  const tooLong = { id: 'x'.repeat(5000), row: 1, vectorChecksum: 0, payload: null };
  const good = { id: 'good', row: 0, vectorChecksum: 0, payload: null };
  await t.rejects(store.commit({ put: [good, tooLong], removeRows: [], removeKeys: [], meta: META }));
  const sequence = 7;
  await store.commit({ put: [], removeRows: [], removeKeys: [], meta: { ...META, sequence } });
  t.equal(store.get('good'), undefined);
  t.equal(store.meta()?.sequence, sequence);
  await store.commit({ put: [good], removeRows: [], removeKeys: [], meta: META });
  t.same(store.get('good'), good);
});

async function storeOfPoints(path: string, count: number): Promise<string> {
  const store = await PointsStore.open(path);
  const put = Array.from({ length: count }, (_, row) => ({
    id: `p${row}`,
    row,
    vectorChecksum: row,
    payload,
  }));
  await store.commit({ put, removeRows: [count], removeKeys: [], meta: META });
  await store.close();
  return join(path, 'data.mdb');
}

t.test('finds a flipped bit in each kind of record', async (t) => {
  const path = join(temporaryDirectory(t), 'points');
  const file = await storeOfPoints(path, 1);
  const sound = readFileSync(file);
  const flips = [
    { bytes: Buffer.from('{"colour":"green"}'), read: (store: PointsStore) => store.get('p0') },
    { bytes: Buffer.from('"formatVersion":1'), read: (store: PointsStore) => store.meta() },
  ];
  for (const { bytes, read } of flips) {
    const damaged = Buffer.from(sound);
    for (let at = damaged.indexOf(bytes); at >= 0; at = damaged.indexOf(bytes))
      damaged[at + 3] = (damaged[at + 3] as number) ^ 4;
    writeFileSync(file, damaged);
    const store = await PointsStore.open(path);
    t.equal(await codeOf(() => read(store)), 'storage_corrupt');
    await store.close();
  }
});

t.test('an emptied or missing file is damage, not a new store', async (t) => {
  const path = join(temporaryDirectory(t), 'points');
  const file = await storeOfPoints(path, 1);
  truncateSync(file, 0);
  t.equal(await codeOf(() => PointsStore.open(path)), 'storage_corrupt');
  rmSync(file);
  t.equal(await codeOf(() => PointsStore.open(path)), 'storage_corrupt');
});

t.test('a file cut off anywhere is found damaged, or nothing is lost', async (t) => {
  const directory = temporaryDirectory(t);
  const file = await storeOfPoints(join(directory, 'points'), 2000);
  const { size } = statSync(file);
  let damaged = 0;
  for (let bytes = 0; bytes < size; bytes += Math.ceil(size / 40)) {
    const path = join(directory, `cut-${bytes}`);
    mkdirSync(path);
    copyFileSync(file, join(path, 'data.mdb'));
    copyFileSync(join(directory, 'points', 'in-use'), join(path, 'in-use'));
    truncateSync(join(path, 'data.mdb'), bytes);
    const code = await codeOf(async () => {
      const store = await PointsStore.open(path);
      try {
        t.same(store.meta(), META);
        for (let row = 0; row < 2000; row++) {
          if (store.get(`p${row}`)?.row !== row) t.fail(`point ${row} is lost`);
          if (store.rowId(row) !== `p${row}`) t.fail(`row ${row} is lost`);
        }
        t.same([...store.tombstonedRows()], [2000]);
      } finally {
        await store.close();
      }
    });
    if (code === 'storage_corrupt') damaged++;
  }
  t.ok(damaged >= 30, `${damaged} of 40 cuts took something away`);
});

t.test('a store whose lock file cannot be opened is refused, and does not end the process', async (t) => {
  const path = join(temporaryDirectory(t), 'points');
  await (await PointsStore.open(path)).close();
  rmSync(join(path, 'lock.mdb'));
  mkdirSync(join(path, 'lock.mdb'));
  await t.rejects(PointsStore.open(path), { code: 'EISDIR' });
});
