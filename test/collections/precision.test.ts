// Collections whose full vectors are kept as float16 or int8: what is kept is what is found, given back and verified.

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { clustered, distanceOf, kept, nearestOf } from '../index/built.js';
import { batchOf } from './batches.js';
import { creation, type Engine, openEngine, searchFor } from './engine.js';

t.setTimeout(300_000);

const DIMENSION = 20;
const VECTORS = clustered(900, DIMENSION, 3);
const COMPACT = ['float16', 'int8'] as const;
const ROW_BYTES = { float16: 44, int8: 28 };

async function filled(engine: Engine, precision: (typeof COMPACT)[number], metric: 'l2' | 'cosine' | 'dot') {
  const storage = { backend: 'mmap', precision } as const;
  const request = creation({ name: `${precision}-${metric}`, dimension: DIMENSION, metric, storage });
  const collection = await engine.collections.create(request);
  await collection.upsert(
    batchOf(
      VECTORS.map((vector, id) => ({ id, vector })),
      precision,
    ),
  );
  return collection;
}

async function answers(collection: Collection, exact: boolean) {
  const found = [];
  for (const vector of clustered(5, DIMENSION, 99)) {
    const { results } = await collection.search(searchFor({ vector, k: 10, exact, with_vector: true }));
    found.push(results);
  }
  return found;
}

async function damageVectors(engine: Engine, folder: string): Promise<void> {
  const [id = ''] = await readdir(join(engine.directory, 'collections'));
  const directory = join(engine.directory, 'collections', id, folder);
  const name = (await readdir(directory)).find((file) => file.endsWith('.vec')) as string;
  const file = await open(join(directory, name), 'r+');
  for (let row = 0; row < VECTORS.length; row++)
    await file.write(Uint8Array.of(0x55), 0, 1, 4096 + 12 + row * 28);
  await file.close();
}

for (const precision of COMPACT) {
  t.test(
    `${precision}: every metric finds the nearest of what is kept, before and after a build`,
    async (t) => {
      const engine = await openEngine(t);
      const stored = VECTORS.map((vector) => kept(vector, precision));
      for (const metric of ['l2', 'cosine', 'dot'] as const) {
        const collection = await filled(engine, precision, metric);
        const before = await answers(collection, true);
        for (const [i, vector] of clustered(5, DIMENSION, 99).entries()) {
          const expected = nearestOf(metric, stored, vector, 10);
          before[i]?.forEach(({ id, vector: found }, place) => {
            t.same(found, stored[id as number]);
            const distance = distanceOf(metric, stored[id as number] as Float32Array, vector);
            const wanted = expected[place]?.distance as number;
            t.ok(Math.abs(distance - wanted) < 1e-3 * (1 + Math.abs(wanted)), `${metric} place ${place}`);
          });
        }
        await collection.startBuild({ max_leaf_size: 60 }).done;
        t.strictSame(await answers(collection, true), before, 'a build keeps the bytes');
        const [found] = await answers(collection, false);
        t.equal(found?.[0]?.id, before[0]?.[0]?.id);
      }
    },
  );

  t.test(`${precision}: conversion, rebuild and restart keep precision and answers`, async (t) => {
    const engine = await openEngine(t);
    let collection = await filled(engine, precision, 'l2');
    await collection.startBuild({ max_leaf_size: 60 }).done;
    await collection.upsert(batchOf([{ id: 'late', vector: VECTORS[5] as Float32Array }], precision));
    const expected = await answers(collection, true);
    const described = { precision, vectors_bytes: 901 * ROW_BYTES[precision] };
    for (const backend of ['memory', 'mmap', 'memory'] as const) {
      await collection.convertStorage(backend);
      t.match(collection.describe().storage, { ...described, backend });
      const inMemory = backend === 'memory' ? described.vectors_bytes : 0;
      t.equal(collection.describe().memory.vectors_bytes, inMemory);
      t.strictSame(await answers(collection, true), expected);
    }
    await collection.startBuild({}).done;
    t.strictSame(await answers(collection, true), expected);
    collection = (await engine.reopen()).get(collection.name);
    t.match(collection.describe().storage, { ...described, backend: 'memory' });
    t.strictSame(await answers(collection, true), expected);
    t.same((await collection.getPoint('late')).vector, kept(VECTORS[5] as Float32Array, precision));
  });

  t.test(`${precision}: a damaged index is built again from the kept vectors`, async (t) => {
    const engine = await openEngine(t);
    const collection = await filled(engine, precision, 'l2');
    await collection.startBuild({ max_leaf_size: 60 }).done;
    const expected = await answers(collection, true);
    await engine.collections.close();
    const [id = ''] = await readdir(join(engine.directory, 'collections'));
    const index = join(engine.directory, 'collections', id, 'generations', '1', 'index.bin');
    const file = await open(index, 'r+');
    await file.write(Uint8Array.of(1, 2, 3), 0, 3, 6000);
    await file.close();
    const reopened = (await engine.reopen()).get(collection.name);
    t.match(await reopened.build?.done, { state: 'succeeded' });
    t.strictSame(await answers(reopened, true), expected);
    t.same(reopened.describe().storage.precision, precision);
  });
}

t.test(
  'a changed byte of a kept vector is found when the point is read, before and after a build',
  async (t) => {
    const engine = await openEngine(t);
    const collection = await filled(engine, 'int8', 'l2');
    await collection.getPoint(3);
    await damageVectors(engine, 'segments');
    await t.rejects(collection.getPoint(3), { code: 'storage_corrupt' });
    await collection.startBuild({}).done;
    await t.rejects(
      collection.getPoint(3),
      { code: 'storage_corrupt' },
      'a build carries the damage on, and the checksum',
    );
  },
);
