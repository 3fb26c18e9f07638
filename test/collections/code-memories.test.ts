// A collection whose index takes several memories: inserts, deletes, builds and restarts are as with one.

import t from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { clustered, nearestOf } from '../index/built.js';
import { batchOf } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

t.setTimeout(300_000);

const DIMENSION = 64;
const COUNT = 6000;
const VECTORS = clustered(COUNT, DIMENSION, 3);

function isDeleted(id: number): boolean {
  return id % 5 === 0;
}

/** Every query finds what brute force finds among the points that are left. */
async function assertFound(collection: Collection, what: string): Promise<void> {
  for (const vector of clustered(20, DIMENSION, 9)) {
    const request = searchFor({ vector, k: 5, probes: 1000, rerank_factor: 100, with_stats: true });
    const { results } = await collection.search(request);
    const expected = nearestOf('l2', VECTORS, vector, 5, (row) => !isDeleted(row));
    t.same(
      results.map(({ id }) => id),
      expected.map(({ row }) => row),
      what,
    );
  }
}

t.test('points are found, deleted and found again after a restart and another build', async (t) => {
  const engine = await openEngine(t, t.testdir(), { indexMemoryBytesMax: 140_000 });
  const created = await engine.collections.create(creation({ name: 'c', dimension: DIMENSION }));
  for (let first = 0; first < COUNT; first += 1000) {
    const points = VECTORS.slice(first, first + 1000).map((vector, i) => ({ id: first + i, vector }));
    await created.upsert(batchOf(points));
  }
  await created.startBuild({ max_leaf_size: 100 }).done;
  const { memory } = created.describe();
  // 64 dimensions of two bits each and three 16-bit factors.
  t.ok(memory.codes_bytes >= COUNT * 22, `${memory.codes_bytes} bytes of codes`);
  await created.deletePoints({ ids: Array.from({ length: COUNT }, (_, id) => id).filter(isDeleted) });
  await assertFound(created, 'after deletes');

  let collections = await engine.reopen();
  const reopened = collections.get('c');
  t.equal(reopened.describe().points_count, COUNT - COUNT / 5);
  t.equal(reopened.describe().memory.codes_bytes, memory.codes_bytes);
  await assertFound(reopened, 'after a restart');
  await reopened.startBuild({}).done;
  await assertFound(reopened, 'after another build');

  collections = await engine.reopen();
  await assertFound(collections.get('c'), 'after another restart');
  t.same(engine.complaints, []);
  await collections.drop('c');
});
