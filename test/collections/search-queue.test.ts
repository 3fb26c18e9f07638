// Many searches at once on the real pool: their order, their shares, their end.

import t, { type Test } from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { ServiceError } from '../../src/errors.js';
import { seededRandom } from '../../src/index/random.js';
import { batchOf, type TestPoint } from './batches.js';
import { creation, type Engine, openEngine, searchFor } from './engine.js';

// Threads start slowly where the tests share few cores.
t.setTimeout(600_000);

/** So wide that comparing with all of them is a long scan. */
const DIMENSION = 2048;
const COUNT = 6000;
const SEARCH_THREADS = 2;

function widePoints(): TestPoint[] {
  const random = seededRandom(5);
  return Array.from({ length: COUNT }, (_, id) => ({
    id,
    vector: Float32Array.from({ length: DIMENSION }, random),
  }));
}

async function withWide(t: Test): Promise<{ engine: Engine; wide: Collection; points: TestPoint[] }> {
  const engine = await openEngine(t);
  const wide = await engine.collections.create(creation({ name: 'wide', dimension: DIMENSION }));
  const points = widePoints();
  for (let first = 0; first < COUNT; first += 1000)
    await wide.upsert(batchOf(points.slice(first, first + 1000)));
  return { engine, wide, points };
}

function nearestIds(points: TestPoint[], { vector }: TestPoint, k: number): unknown[] {
  const distances = points.map((point) => {
    let sum = 0;
    for (let i = 0; i < DIMENSION; i++) sum += ((point.vector[i] as number) - (vector[i] as number)) ** 2;
    return { id: point.id, sum };
  });
  return distances
    .sort((a, b) => a.sum - b.sum)
    .slice(0, k)
    .map(({ id }) => id);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('long scans', async (t) => {
  const { engine, wide, points } = await withWide(t);
  const scan = (point: TestPoint) => searchFor({ vector: point.vector, k: 5, exact: true });
  const tasks = () => engine.collections.dispatch.taskQueries.counts.reduce((sum, count) => sum + count);

  await t.test('a scan in parts finds what one in a piece does', async (t) => {
    const point = points[4321] as TestPoint;
    const before = tasks();
    const { results } = await wide.search(scan(point));
    t.strictSame(
      results.map(({ id }) => id),
      nearestIds(points, point, 5),
    );
    t.ok(tasks() - before > SEARCH_THREADS, 'more parts than threads');
  });

  await t.test('a short search does not wait for the long scans that came before it', async (t) => {
    const small = await engine.collections.create(creation({ name: 'small', dimension: 2 }));
    await small.upsert(batchOf([{ id: 'only', vector: [1, 2] }]));
    let ended = 0;
    const scans = points.slice(0, 12).map(async (point) => {
      await wide.search(scan(point));
      ended++;
    });
    await turn();
    const { results } = await small.search(searchFor({ vector: [1, 2] }));
    t.equal(results[0]?.id, 'only');
    t.ok(ended < 3, `${ended} of ${scans.length} scans had ended`);
    await Promise.all(scans);
  });

  await t.test('a scan that nobody waits for goes no further than the parts that run', async (t) => {
    const before = tasks();
    const client = new AbortController();
    const abandoned = wide.search(scan(points[1] as TestPoint), { signal: client.signal });
    await turn();
    client.abort(new ServiceError('malformed_request', { reason: 'the client left' }));
    await t.rejects(abandoned, { code: 'malformed_request' });
    t.ok(tasks() - before <= SEARCH_THREADS);
    t.equal(engine.collections.stats().queues.searches, 0);
  });
});

t.test('a batch is fed in slices and answered in order', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(creation({ name: 'words', dimension: 4 }));
  const points: TestPoint[] = Array.from({ length: 200 }, (_, id) => ({ id, vector: [id, 1, 2, 3] }));
  await words.upsert(batchOf(points));
  const searches = points.map(({ vector }) => searchFor({ vector, k: 1 }));
  let longest = 0;
  const watch = setInterval(() => {
    longest = Math.max(longest, engine.collections.stats().queues.searches);
  });
  const answer = words.searchBatch(searches);
  await Promise.resolve();
  longest = Math.max(longest, engine.collections.stats().queues.searches);
  const answers = await answer;
  clearInterval(watch);
  t.strictSame(
    answers.map(({ results }) => results[0]?.id),
    points.map(({ id }) => id),
  );
  t.ok(longest > 16 && longest <= 32, `${longest} waited at once`);
});

t.test('a batch ends with its first failure, and tells which search it was', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(creation({ name: 'words', dimension: 2 }));
  await words.upsert(batchOf([{ id: 1, vector: [1, 2] }]));
  const good = searchFor({ vector: [1, 2] });
  const searches = [...new Array(40).fill(good), searchFor({ id: 'nobody' }), ...new Array(200).fill(good)];
  await t.rejects(words.searchBatch(searches), {
    code: 'point_not_found',
    issues: [{ path: 'searches[40]' }],
  });
  const { counts } = engine.collections.dispatch.waitSeconds;
  t.ok(counts.reduce((sum, count) => sum + count) < 100, 'the rest is left out');
});
