import t from 'tap';
import { MemoryBudget } from '../../src/collections/memory-budget.js';
import { measureRecall, recallOf } from '../../src/collections/recall.js';
import { ServedGeneration } from '../../src/collections/served-generation.js';
import { type LiveView, Views } from '../../src/collections/views.js';
import type { RecallRequest } from '../../src/contract/recall.js';
import type { Answer, Query, QueryStats } from '../../src/index/query.js';
import { completeSettings } from '../../src/index/settings.js';
import { clustered } from '../index/built.js';
import { batchOf } from './batches.js';
import { creation, openEngine } from './engine.js';

const SETTINGS = completeSettings({ dimension: 2, metric: 'l2' });
const NO_VECTORS = { dimension: 2, precision: 'float32' as const, segments: [] };

function answerOf(rows: number[], distances: number[], stats: Partial<QueryStats> = {}): Answer {
  return {
    rows: Uint32Array.from(rows),
    distances: Float32Array.from(distances),
    stats: { searchWay: 'probes', probes: 1, ...stats } as QueryStats,
  };
}

/** A collection of `rows` pending rows; a vector tells its row, and every search finds it and its neighbour. */
async function measured(
  rows: number,
  onAsk: (row: number, live: LiveView, query: Query) => Answer | undefined = () => undefined,
) {
  const show = async () => {
    const served = await ServedGeneration.empty(SETTINGS, 0, new MemoryBudget(2 ** 30, 0).claim());
    served.publish(rows);
    void views.show(served, NO_VECTORS);
    return served;
  };
  const released: string[] = [];
  const views = new Views('c', (key) => released.push(key));
  const parts = {
    name: 'c',
    entry: { dimension: 2, metric: 'cosine' as const },
    views,
    vectors: { read: (_live: LiveView, row: number) => Float32Array.of(row, 0) },
    search: {
      ask: async (live: LiveView, query: Query) => {
        const row = query.vector[0] as number;
        return onAsk(row, live, query) ?? answerOf([row, row + 1], [0, 1]);
      },
    },
    filters: { mask: () => Promise.reject(new Error('these measurements have no filter')) },
  };
  return {
    served: await show(),
    show,
    views,
    released,
    run: (samples: number) => measureRecall(parts, { samples, k: 1 }),
    measure: (request: RecallRequest) => measureRecall(parts, request),
  };
}

t.test('a measurement samples each point once, and the same points again', async (t) => {
  const rows: number[] = [];
  const { run } = await measured(200, (row) => void rows.push(row));
  t.match(await run(20), { recall: 1, samples: 20, k: 1 });
  const first = rows.splice(0);
  t.equal(new Set(first).size, 20);
  await run(20);
  t.strictSame(rows, first);
});

t.test('a measurement holds the view of one sample at a time', async (t) => {
  let samples = 0;
  const keys: string[] = [];
  const collection = await measured(50, (_row, live) => {
    keys.push(live.view.key);
    if (++samples === 10) void collection.show();
    if (samples > 13) t.strictSame(collection.released, [keys[0]], 'the old view was let go');
    return undefined;
  });
  await collection.run(20);
  t.equal(new Set(keys).size, 2);
});

t.test('points that die while a measurement runs are not sampled any more', async (t) => {
  const dead = new Set<number>();
  const collection = await measured(100, (row) => {
    t.notOk(dead.has(row), `row ${row}`);
    for (let other = 0; other < 100; other += 2) {
      if (other === row) continue;
      collection.served.markDead(other);
      dead.add(other);
    }
    return undefined;
  });
  const report = await collection.run(30);
  t.equal(report.samples, 30);
});

t.test('a collection without live points has no recall', async (t) => {
  const { served, run } = await measured(10);
  for (let row = 0; row < 10; row++) served.markDead(row);
  await t.rejects(run(5), { code: 'collection_empty' });
});

t.test('recall leaves the sample itself out, and counts what is as near as the last', async (t) => {
  const truth = answerOf([7, 1, 2, 3], [0, 1, 2, 2]);
  t.equal(recallOf(answerOf([7, 1, 3], [0, 1, 2]), truth, 7, 2), 1);
  t.equal(recallOf(answerOf([7, 4, 5], [0, 3, 4]), truth, 7, 2), 0);
  t.equal(recallOf(answerOf([], []), answerOf([7], [0]), 7, 2), 1);
});

t.test('samples come from all live points, few and far between as they may be', async (t) => {
  const rows = new Set<number>();
  const { served, run } = await measured(200_000, (row) => void rows.add(row));
  const isLive = (row: number) => row % 400 === 7 || row >= 199_900;
  for (let row = 0; row < 200_000; row++) if (!isLive(row)) served.markDead(row);
  t.match(await run(1000), { samples: 600, pending_samples: 600 });
  t.ok([...rows].every(isLive));
  t.equal(rows.size, 600, 'each of them');

  rows.clear();
  await run(120);
  const late = [...rows].filter((row) => row >= 199_900).length;
  t.ok(late > 8 && late < 36, `of 120, ${late} are of the sixth of the points that lies close`);
});

t.test(
  'points that came after the build are sampled in proportion, also where most of the build is deleted',
  async (t) => {
    const { collections } = await openEngine(t);
    const collection = await collections.create(creation({ name: 'c', dimension: 8 }));
    const points = clustered(1550, 8, 5).map((vector, id) => ({ id, vector }));
    await collection.upsert(batchOf(points.slice(0, 1500)));
    t.match(await collection.startBuild({ max_leaf_size: 32 }).done, { state: 'succeeded' });
    await collection.deletePoints({ ids: points.slice(0, 1350).map(({ id }) => id) });
    await collection.upsert(batchOf(points.slice(1500)));
    const report = await collection.measureRecall({ samples: 100, k: 10 });
    t.match(report, { samples: 100, short_answers: 0 });
    t.ok(report.pending_samples > 12 && report.pending_samples < 38, `${report.pending_samples} of 100`);
    const all = await collection.measureRecall({ samples: 1000, k: 1, target_recall: 1 });
    t.match(all, { samples: 200, pending_samples: 50, recall: 1, recall_min: 1, short_answers: 0 });
  },
);

t.test('the caller may bring queries, which are left out of nothing', async (t) => {
  const asked: Query[] = [];
  const { measure } = await measured(50, (row, _live, query) => {
    asked.push(query);
    return row === 9 ? answerOf([9, 10], query.exact ? [0, 1] : [0, 2], { searchWay: 'widened' }) : undefined;
  });
  const vectors = [5, 9].map((row) => Float32Array.of(row, 0));
  const report = await measure({ vectors, k: 2 });
  t.match(report, { samples: 2, pending_samples: 0, recall: 0.75, recall_min: 0.5, short_answers: 0 });
  t.same(report.ways, { exact: 0, probes: 1, widened: 1, compared_all: 0 });
  t.ok(asked.every(({ k }) => k === 2));
  t.ok(report.recall_low >= 0 && report.recall_low < 0.75 && report.recall_high === 1);
});

t.test('a query that the collection cannot take is refused before any is measured', async (t) => {
  const { measure } = await measured(50, () => void t.fail('a search'));
  const refusals: [number[], string][] = [
    [[1, 2, 3], 'dimension_mismatch'],
    [[0, 0], 'zero_vector'],
    [[1e-16, 0], 'vector_out_of_range'],
  ];
  for (const [vector, code] of refusals) {
    const vectors = [Float32Array.of(1, 0), Float32Array.from(vector)];
    await t.rejects(measure({ vectors, k: 1 }), { code, issues: [{ path: 'vectors[1]' }] });
  }
  const { measure: measureEmpty } = await measured(0);
  await t.rejects(measureEmpty({ vectors: [Float32Array.of(1, 0)], k: 1 }), { code: 'collection_empty' });
});

t.test('a short answer is counted, and what it lacks is missed', async (t) => {
  const { served, run } = await measured(40, (row, _live, { exact }) =>
    row % 4 === 0 && !exact ? answerOf([row], [0]) : undefined,
  );
  t.match(await run(40), { recall: 0.75, recall_min: 0, short_answers: 10 });
  const written = await measured(40, (row, live, { exact }) => {
    if (!exact && row < 39) live.served.markDead(row + 1);
    return exact ? undefined : answerOf([row], [0]);
  });
  t.equal((await written.run(1)).short_answers, 0, 'a point was deleted between the answers');
  t.equal(served.deadCount, 0);
});

t.test('the interval of the mean tells how sure it is', async (t) => {
  const misses = async (share: number, samples: number) => {
    const { run } = await measured(2000, (row, _live, { exact }) =>
      row < 2000 * share && !exact ? answerOf([row, row + 2], [0, 2]) : undefined,
    );
    return run(samples);
  };
  t.match(await misses(0, 100), { recall: 1, recall_low: 0.97, recall_high: 1 }, 'as of 3 in 100 unseen');
  t.match(await misses(1, 100), { recall: 0, recall_low: 0, recall_high: 0.03 });
  t.match(await misses(0.5, 1), { recall_low: 0, recall_high: 1 }, 'one sample tells nothing');
  const { recall, recall_low, recall_high } = await misses(0.2, 400);
  const deviations = 1.96 * Math.sqrt((recall * (1 - recall)) / 399);
  t.ok(Math.abs(recall - recall_low - deviations) < 1e-9);
  t.ok(Math.abs(recall_high - recall - deviations) < 1e-9);
  t.ok(recall_low < 0.8 && recall_high > 0.8, `0.8 is between ${recall_low} and ${recall_high}`);
});

t.test('a short answer lowers recall, but not where there is no more to find', async (t) => {
  const truth = answerOf([7, 1, 2, 3], [0, 1, 2, 3]);
  t.equal(recallOf(answerOf([7, 1], [0, 1]), truth, 7, 2), 0.5);
  t.equal(recallOf(answerOf([7, 1], [0, 1]), truth, undefined, 4), 0.5);
  t.equal(recallOf(answerOf([7, 1, 2, 3], [0, 1, 2, 3]), truth, 7, 10), 1);
  t.equal(recallOf(answerOf([], []), truth, 7, 10), 0);
});
