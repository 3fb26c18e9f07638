import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { seededRandom } from '../../src/index/random.js';
import { batchOf, type TestPoint } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

// Threads start slowly where the tests share few cores.
t.setTimeout(600_000);

const DIMENSION = 20;

/** Points in a few clusters, the same for the same seed. */
function clusteredPoints(count: number, seed = 1): TestPoint[] {
  const random = seededRandom(seed);
  const centres = Array.from({ length: 12 }, () => Array.from({ length: DIMENSION }, () => random() * 10));
  return Array.from({ length: count }, (_, id) => {
    const centre = centres[id % centres.length] as number[];
    return { id, vector: centre.map((value) => value + random() * 2), payload: { place: id } };
  });
}

function squared(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (Math.fround(a[i] as number) - Math.fround(b[i] as number)) ** 2;
  return sum;
}

t.test('a collection lives: insert, search, build, change, reopen, drop', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(creation({ name: 'words', dimension: DIMENSION }));
  const points = clusteredPoints(3000);
  for (let first = 0; first < points.length; first += 500) {
    t.equal((await words.upsert(batchOf(points.slice(first, first + 500)))).upserted, 500);
  }
  t.match(words.describe(), {
    points_count: 3000,
    pending_count: 3000,
    index: { state: 'none', generation: 0 },
  });

  const query = points[77] as TestPoint;
  const nearest = [...points].sort(
    (a, b) => squared(a.vector, query.vector) - squared(b.vector, query.vector),
  );
  const expected = nearest.slice(0, 10).map((point) => point.id);
  const exact = await words.search(searchFor({ vector: query.vector, exact: true, with_payload: true }));
  t.strictSame(
    exact.results.map((result) => result.id),
    expected,
  );
  t.match(exact.results[0], { id: 77, score: 0, payload: { place: 77 } });

  const job = words.startBuild({});
  t.equal(words.describe().index.state, 'building');
  t.throws(() => words.startBuild({}), { code: 'build_running' });
  const during = await words.deletePoints({ ids: [nearest[1]?.id ?? 0] });
  t.equal(during.deleted, 1);
  await words.upsert(batchOf([{ id: 'new', vector: query.vector }]));
  const status = await job.done;
  t.match(status, { state: 'succeeded', progress: 1, generation: 1 });
  t.match(words.describe(), {
    points_count: 3000,
    indexed_count: 2999,
    pending_count: 1,
    index: { state: 'ready', generation: 1 },
  });

  const found = await words.search(
    searchFor({ vector: query.vector, k: 5, with_stats: true, with_vector: true }),
  );
  t.strictSame(
    found.results
      .slice(0, 2)
      .map((result) => result.id)
      .sort(),
    [77, 'new'].sort(),
  );
  t.notOk(found.results.some((result) => result.id === nearest[1]?.id));
  t.equal(found.stats?.generation, 1);
  t.equal(found.results[0]?.vector?.length, DIMENSION);

  const near = await words.search(searchFor({ id: '77', k: 3 }));
  t.equal(near.results[0]?.id, 'new');
  t.notOk(near.results.some((result) => result.id === 77));

  const report = await words.measureRecall({ samples: 30, k: 10, probes: 1000, rerank_factor: 50 });
  t.ok(report.recall > 0.97, `recall ${report.recall}`);
  t.match(report, { samples: 30, k: 10, probes: words.describe().index.leaves });

  const reopened = (await engine.reopen()).get('words');
  t.match(reopened.describe(), { points_count: 3000, indexed_count: 2999, pending_count: 1 });
  const again = await reopened.search(searchFor({ vector: query.vector, k: 5 }));
  t.strictSame(
    again.results.map(({ id, score }) => ({ id, score })),
    found.results.map(({ id, score }) => ({ id, score })),
  );
  t.match(await reopened.getPoint('new'), { id: 'new', vector: Float32Array.from(query.vector) });

  await engine.collections.drop('words');
  t.throws(() => engine.collections.get('words'), { code: 'collection_not_found' });
  t.strictSame(engine.complaints, []);
});

t.test('conversion of the storage changes no answer, and twice is refused', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(
    creation({ name: 'words', dimension: DIMENSION, metric: 'cosine' }),
  );
  const points = clusteredPoints(1500, 2);
  await words.upsert(batchOf(points));
  await words.startBuild({}).done;
  await words.upsert(batchOf(clusteredPoints(40, 3).map((point) => ({ ...point, id: `late ${point.id}` }))));
  const ask = async () =>
    (await engine.collections.get('words').search(searchFor({ id: 7, k: 20, with_vector: true }))).results;
  const mapped = await ask();
  await t.rejects(words.convertStorage('mmap'), { code: 'storage_unchanged' });
  await words.convertStorage('memory');
  t.match(words.describe(), { storage: { backend: 'memory', is_using_mmap: false } });
  t.ok(words.describe().memory.vectors_bytes >= 1540 * DIMENSION * 4);
  t.strictSame(await ask(), mapped);
  await t.rejects(words.convertStorage('memory'), { code: 'storage_unchanged' });
  await words.upsert(batchOf([{ id: 'more', vector: points[7]?.vector ?? [] }]));
  t.equal((await ask())[0]?.id, 'more');
  await words.deletePoints({ ids: ['more'] });

  const reopened = (await engine.reopen()).get('words');
  t.equal(reopened.describe().storage.backend, 'memory');
  t.strictSame(await ask(), mapped);
  await reopened.startBuild({}).done;
  t.match(reopened.describe(), { storage: { backend: 'memory' }, pending_count: 0, deleted_count: 0 });
  await reopened.convertStorage('mmap');
  t.equal(reopened.describe().memory.vectors_bytes, 0);
  t.equal((await ask()).length, 20);
  t.strictSame(engine.complaints, []);
});

t.test('a canceled build leaves everything as it was', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(creation({ name: 'words', dimension: DIMENSION }));
  t.throws(() => words.startBuild({}), { code: 'collection_empty' });
  await t.rejects(words.cancelBuild(), { code: 'build_not_found' });
  await words.upsert(batchOf(clusteredPoints(4000)));
  const job = words.startBuild({});
  const seen: string[] = [];
  const listening = (async () => {
    for await (const status of job.events()) seen.push(status.state);
  })();
  const status = await words.cancelBuild();
  t.equal(status.state, 'canceled');
  await listening;
  t.equal(seen.at(-1), 'canceled');
  t.match(words.describe(), { index: { generation: 0, state: 'none' }, pending_count: 4000 });
  const again = words.startBuild({ max_leaf_size: 100, bits: 4 });
  t.match(await again.done, { state: 'succeeded' });
  t.match(words.describe().index, { generation: 1, max_leaf_size: 100, bits: 4 });
  t.equal(words.build, again);
});

t.test('requests that do not fit are refused with their codes', async (t) => {
  const engine = await openEngine(t);
  const { collections } = engine;
  const words = await collections.create(creation({ name: 'words', dimension: 3, metric: 'cosine' }));
  await t.rejects(collections.create(creation({ name: 'words', dimension: 4 })), {
    code: 'collection_exists',
  });
  await t.rejects(words.search(searchFor({ vector: [1, 2] })), { code: 'dimension_mismatch' });
  await t.rejects(words.search(searchFor({ vector: [0, 0, 0] })), { code: 'zero_vector' });
  await t.rejects(words.search(searchFor({ id: 'nobody' })), { code: 'point_not_found' });
  await t.rejects(words.getPoint('nobody'), { code: 'point_not_found' });
  await t.rejects(words.measureRecall({ samples: 5, k: 3 }), { code: 'collection_empty' });
  await t.rejects(collections.drop('nothing'), { code: 'collection_not_found' });
  await t.rejects(words.searchBatch([searchFor({ vector: [1, 0, 0] }), searchFor({ vector: [1] })]), {
    code: 'dimension_mismatch',
    issues: [{ path: 'searches[1]' }],
  });
  t.strictSame((await words.search(searchFor({ vector: [1, 2, 3] }))).results, []);
});

t.test('equal distances come in the order of their ids, thresholds cut', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(creation({ name: 'words', dimension: 2 }));
  await words.upsert(
    batchOf([
      { id: 10, vector: [1, 0] },
      { id: 9, vector: [0, 1] },
      { id: 'b', vector: [-1, 0] },
      { id: 'a', vector: [0, -1] },
      { id: 'far', vector: [3, 4] },
    ]),
  );
  const results = async (request: object) =>
    (await words.search(searchFor({ vector: [0, 0], ...request }))).results.map((result) => result.id);
  t.strictSame(await results({ k: 3 }), [10, 9, 'a']);
  t.strictSame(await results({ k: 10 }), [10, 9, 'a', 'b', 'far']);
  t.strictSame(await results({ score_threshold: 1 }), [10, 9, 'a', 'b']);
  t.strictSame(await results({ score_threshold: 0.5 }), []);
  t.match(await words.search(searchFor({ vector: [0, 0], k: 10 })), { results: { 4: { score: 5 } } });
});

t.test('inserts, searches and builds go on side by side', async (t) => {
  const engine = await openEngine(t);
  const words = await engine.collections.create(creation({ name: 'words', dimension: DIMENSION }));
  const points = clusteredPoints(6000, 4);
  await words.upsert(batchOf(points.slice(0, 2000)));
  let running = true;
  let searches = 0;
  const search = async () => {
    while (running) {
      const { results } = await words.search(searchFor({ id: searches % 2000, k: 10 }));
      if (results.length !== 10) throw new Error(`${results.length} results`);
      searches++;
    }
  };
  const searching = [search(), search(), search()];
  for (const first of [2000, 3000, 4000, 5000]) {
    const job = words.startBuild({});
    const replaced = points.slice(0, 50);
    for (let at = first; at < first + 1000; at += 100) {
      await words.upsert(batchOf([...points.slice(at, at + 100), ...replaced.splice(0, 5)]));
    }
    t.match(await job.done, { state: 'succeeded' });
  }
  running = false;
  await Promise.all(searching);
  t.ok(searches > 20, `${searches} searches`);
  await setTimeout(50);
  t.match(words.describe(), { points_count: 6000, index: { generation: 4 } });
  await words.startBuild({}).done;
  t.match(words.describe(), { points_count: 6000, indexed_count: 6000, pending_count: 0, deleted_count: 0 });
  t.strictSame(engine.complaints, []);
});

t.test('after many deletes, and with tiny leaves, a search still finds k points', async (t) => {
  const engine = await openEngine(t);
  const index = { max_leaf_size: 8, branching_factor: 4 };
  const words = await engine.collections.create(creation({ name: 'words', dimension: DIMENSION, index }));
  const points = clusteredPoints(3000, 5);
  await words.upsert(batchOf(points));
  await words.startBuild({}).done;
  const vector = points[0]?.vector as Float32Array;
  t.equal((await words.search(searchFor({ vector, k: 1000 }))).results.length, 1000);
  await words.deletePoints({ ids: points.slice(20).map(({ id }) => id) });
  const { results } = await words.search(searchFor({ vector, k: 30 }));
  t.same(new Set(results.map(({ id }) => id)), new Set(points.slice(0, 20).map(({ id }) => id)));
});
