// Filters whose matches all lie about as far from the query: the search that follows, through the whole engine.

import t from 'tap';
import { seededRandom } from '../../src/index/random.js';
import { nearestOf } from '../index/built.js';
import { batchOf } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

const COUNT = 16_000;
const DIMENSION = 32;
const INSERTED = 4000;
const K = 10;

t.test('matches that crowd are found at the declared recall, in all leaves', async (t) => {
  const random = seededRandom(22);
  const onSphere = (radius: number): Float32Array => {
    const vector = Float32Array.from({ length: DIMENSION }, () => random() + random() + random() - 1.5);
    const length = Math.hypot(...vector);
    return vector.map((value) => (radius * value) / length);
  };
  const isFar = (row: number): boolean => row % 2 === 1;
  const vectors = Array.from({ length: COUNT }, (_, row) => onSphere(isFar(row) ? 10 : random()));
  const engine = await openEngine(t, t.testdir(), { searchThreads: 2 });
  const collection = await engine.collections.create(creation({ name: 'c', dimension: DIMENSION }));
  const insert = async (first: number, end: number): Promise<void> => {
    const points = vectors.slice(first, end).map((vector, i) => {
      const id = first + i;
      return { id, vector, payload: { far: isFar(id) } };
    });
    await collection.upsert(batchOf(points));
  };
  for (let first = 0; first < COUNT - INSERTED; first += INSERTED) await insert(first, first + INSERTED);
  await collection.startBuild({}).done;
  // A few of them are pending.
  await insert(COUNT - INSERTED, COUNT);
  const filter = { must: [{ key: 'far', match: { value: true } }] };
  const queries = Array.from({ length: 20 }, () => onSphere(0.1));
  for (const targetRecall of [undefined, 0.99]) {
    const ways = new Set<string | undefined>();
    let found = 0;
    for (const vector of queries) {
      const effort = targetRecall === undefined ? {} : { target_recall: targetRecall };
      const request = searchFor({ vector, k: K, filter, with_stats: true, ...effort });
      const { results, stats } = await collection.search(request);
      ways.add(stats?.filter?.way);
      t.equal(results.length, K);
      t.ok(results.every(({ id }) => isFar(Number(id))));
      const truth = nearestOf('l2', vectors, vector, K, isFar);
      found += truth.filter(({ row }) => results.some(({ id }) => id === row)).length;
    }
    t.strictSame([...ways], ['all_leaves']);
    t.ok(found >= (targetRecall ?? 0.94) * K * queries.length, `${found} of ${K * queries.length}`);
  }
  t.strictSame(engine.complaints, []);
});
