// What would not fit into the RAM there may be is refused, and everything else goes on.

import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import type { Collections } from '../../src/collections/collections.js';
import { batchOf } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

t.setTimeout(600_000);

const MIB = 2 ** 20;
const DIMENSION = 256;
/** 1 MiB of vectors. */
const BATCH = 1024;

function batch(first: number) {
  return batchOf(
    Array.from({ length: BATCH }, (_, i) => ({
      id: first + i,
      vector: Float32Array.from({ length: DIMENSION }, (_, j) => (((first + i) * 31 + j * 17) % 101) - 50),
    })),
  );
}

/** What the sizes below were chosen for. */
const THREADS = { searchThreads: 2, buildThreads: 2 };
const usedBytes = (collections: Collections) => collections.stats().budget.used_bytes;

/** Inserts until it is refused; returns how many batches were taken, and the refusal. */
async function fillUp(collection: Collection): Promise<{ batches: number; error: unknown }> {
  for (let batches = 0; batches < 200; batches++) {
    try {
      await collection.upsert(batch(batches * BATCH));
    } catch (error) {
      return { batches, error };
    }
  }
  throw new Error('nothing was refused');
}

/** Memory goes back a moment after what held it. */
async function settles(read: () => number, expected: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 15_000 && read() !== expected; waitedMs += 50) await setTimeout(50);
  return read() === expected;
}

t.test(
  'inserts into memory end at the limit; deletes, searches and a drop go on, and make room',
  async (t) => {
    const limit = 60 * MIB;
    const { collections } = await openEngine(t, t.testdir(), { ...THREADS, memoryBytesMax: limit });
    const empty = usedBytes(collections);
    t.equal(empty, 30 * MIB, 'half of a small limit is left to the heaps');
    const request = creation({ name: 'words', dimension: DIMENSION, storage: 'memory' });
    const words = await collections.create(request);
    const { batches, error } = await fillUp(words);
    t.match(error, { code: 'memory_full', fields: { limit, needed: Number, used: Number } });
    t.ok(batches >= 20 && batches <= 30, `${batches} MiB of vectors were taken`);
    t.ok(usedBytes(collections) <= limit);
    t.equal(words.pointsCount, batches * BATCH, 'nothing of the refused batch is stored');

    t.match(await words.deletePoints({ ids: [1, 2] }), { deleted: 2 });
    const first = new Float32Array(batch(0).vectors.slice(0, DIMENSION * 4).buffer);
    const query = searchFor({ vector: first, k: 3 });
    const [nearest] = (await words.search(query)).results;
    t.equal(Number(nearest?.id) % 101, 0, 'every 101st vector is the same');
    await t.rejects(
      words.upsert(batch(0)),
      { code: 'memory_full' },
      'a delete leaves the vector where it is',
    );

    await collections.drop('words');
    const again = await collections.create(request);
    await again.upsert(batch(0));
    t.equal(again.pointsCount, BATCH, 'at once');
    await collections.drop('words');
    t.ok(await settles(() => usedBytes(collections), empty), 'all is given back');
  },
);

t.test('inserts that come at once into several collections do not pass the limit together', async (t) => {
  const limit = 60 * MIB;
  const { collections } = await openEngine(t, t.testdir(), { ...THREADS, memoryBytesMax: limit });
  const names = ['a', 'b', 'c', 'd'];
  const all = await Promise.all(
    names.map((name) => collections.create(creation({ name, dimension: DIMENSION, storage: 'memory' }))),
  );
  const outcomes = await Promise.allSettled(
    all.flatMap((collection) => Array.from({ length: 12 }, (_, i) => collection.upsert(batch(i * BATCH)))),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  t.ok(refused.length > 0 && refused.length < outcomes.length, `${refused.length} were refused`);
  t.ok(refused.every(({ reason }) => reason.code === 'memory_full'));
  t.ok(usedBytes(collections) <= limit);
  t.equal(
    all.reduce((sum, collection) => sum + collection.pointsCount, 0),
    (outcomes.length - refused.length) * BATCH,
  );
});

t.test('a create and the codes of rows are refused at the limit', async (t) => {
  const { collections } = await openEngine(t, t.testdir(), { ...THREADS, memoryBytesMax: 16 * MIB });
  let created = 0;
  const create = () => collections.create(creation({ name: `c${created}`, dimension: DIMENSION }));
  await t.rejects(
    (async () => {
      for (; created < 20; created++) await create();
    })(),
    { code: 'memory_full' },
  );
  t.ok(created >= 2 && created <= 5, `${created} collections`);
  t.equal(collections.list().length, created);
  const first = collections.get('c0');
  const { batches, error } = await fillUp(first);
  t.match(error, { code: 'memory_full' });
  t.ok(batches > 0, `${batches} batches before the codes were refused`);
  await collections.drop('c1');
  await create();
  t.equal(collections.list().length, created, 'what was dropped makes room');
});

t.test('a conversion to memory that would not fit is refused, and the collection serves on', async (t) => {
  const { collections } = await openEngine(t, t.testdir(), { ...THREADS, memoryBytesMax: 60 * MIB });
  const words = await collections.create(creation({ name: 'words', dimension: DIMENSION }));
  for (let i = 0; i < 32; i++) await words.upsert(batch(i * BATCH));
  const before = usedBytes(collections);
  await t.rejects(words.convertStorage('memory'), { code: 'memory_full' });
  t.match(words.describe(), { storage: { backend: 'mmap' }, memory: { vectors_bytes: 0 } });
  t.equal(usedBytes(collections), before);
  await words.upsert(batch(0));
  t.equal(words.pointsCount, 32 * BATCH);
});

t.test('a conversion claims the vectors, and gives them back', async (t) => {
  const { collections } = await openEngine(t);
  const words = await collections.create(creation({ name: 'words', dimension: DIMENSION }));
  await words.upsert(batch(0));
  await words.startBuild({}).done;
  await words.upsert(batch(BATCH));
  const before = usedBytes(collections);
  await words.convertStorage('memory');
  t.equal(usedBytes(collections) - before, 2 * MIB);
  await words.upsert(batch(2 * BATCH));
  t.equal(usedBytes(collections) - before, 3 * MIB);
  await words.convertStorage('mmap');
  t.equal(usedBytes(collections), before);
});

t.test('a build that would not fit is refused at once, and takes nothing', async (t) => {
  const { collections } = await openEngine(t, t.testdir(), { ...THREADS, memoryBytesMax: 50 * MIB });
  const words = await collections.create(creation({ name: 'words', dimension: DIMENSION }));
  await words.upsert(batch(0));
  const before = usedBytes(collections);
  t.throws(() => words.startBuild({}), { code: 'memory_full' });
  t.match(await words.planBuild({}), { refusal: { code: 'memory_full', message: /bytes of RAM/ } });
  t.equal(words.build, undefined);
  t.equal(usedBytes(collections), before);
});

t.test('builds claim what they take and leave what their index takes, in memory too', async (t) => {
  const { collections } = await openEngine(t);
  const empty = usedBytes(collections);
  for (const storage of ['mmap', 'memory'] as const) {
    const words = await collections.create(creation({ name: storage, dimension: DIMENSION, storage }));
    for (let generation = 1; generation <= 3; generation++) {
      await words.upsert(batch(generation * BATCH));
      const job = words.startBuild({});
      const inserted = words.upsert(batch(0));
      t.match(await job.done, { state: 'succeeded' });
      await inserted;
    }
    const { memory } = words.describe();
    const held = () => usedBytes(collections) - empty;
    const fits = () => held() >= memory.total_bytes && held() < memory.total_bytes + 4 * MIB;
    for (let waitedMs = 0; waitedMs < 15_000 && !fits(); waitedMs += 50) await setTimeout(50);
    t.ok(fits(), `${storage}: ${held()} bytes are claimed for ${memory.total_bytes}`);
    await collections.drop(storage);
    t.ok(await settles(() => usedBytes(collections), empty), `${storage}: all is given back`);
  }
});

t.test('a canceled and a failed build give back what they claimed', async (t) => {
  const { collections } = await openEngine(t);
  const words = await collections.create(creation({ name: 'words', dimension: DIMENSION }));
  for (let i = 0; i < 8; i++) await words.upsert(batch(i * BATCH));
  const before = usedBytes(collections);
  const job = words.startBuild({});
  while (usedBytes(collections) === before) await setTimeout(1);
  await words.cancelBuild();
  t.equal(job.status().state, 'canceled');
  t.equal(usedBytes(collections), before);
});

t.test(
  'a collection that does not fit at the start is set aside with the reason; the others are served',
  async (t) => {
    const directory = t.testdir();
    const first = await openEngine(t, directory);
    const large = await first.collections.create(
      creation({ name: 'large', dimension: DIMENSION, storage: 'memory' }),
    );
    for (let i = 0; i < 24; i++) await large.upsert(batch(i * BATCH));
    await large.startBuild({}).done;
    const small = await first.collections.create(creation({ name: 'small', dimension: DIMENSION }));
    await small.upsert(batch(0));
    await first.collections.close();

    const { collections } = await openEngine(t, directory, { ...THREADS, memoryBytesMax: 40 * MIB });
    t.same(collections.unavailable(), ['large']);
    t.throws(() => collections.get('large'), {
      code: 'collection_unavailable',
      message: /cannot be served: memory_full, .* bytes of RAM, and .* bytes that may be used are taken/,
    });
    t.equal(collections.get('small').pointsCount, BATCH);
    t.ok(usedBytes(collections) < 24 * MIB, 'what could not be opened holds nothing');
    await collections.drop('large');
    t.same(collections.unavailable(), []);
  },
);
