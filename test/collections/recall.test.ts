import t from 'tap';
import { MemoryBudget } from '../../src/collections/memory-budget.js';
import { measureRecall, recallOf } from '../../src/collections/recall.js';
import { ServedGeneration } from '../../src/collections/served-generation.js';
import { type LiveView, Views } from '../../src/collections/views.js';
import type { Answer, Query, QueryStats } from '../../src/index/query.js';
import { completeSettings } from '../../src/index/settings.js';

const SETTINGS = completeSettings({ dimension: 2, metric: 'l2' });
const NO_VECTORS = { dimension: 2, precision: 'float32' as const, segments: [] };

function answerOf(rows: number[], distances: number[]): Answer {
  return { rows: Uint32Array.from(rows), distances: Float32Array.from(distances), stats: {} as QueryStats };
}

/** A collection of `rows` pending rows; a vector tells its row, and every search finds it and its neighbour. */
async function measured(rows: number, onAsk: (row: number, live: LiveView) => void = () => {}) {
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
    views,
    vectors: { read: (_live: LiveView, row: number) => Float32Array.of(row, 0) },
    search: {
      ask: async (live: LiveView, query: Query) => {
        const row = query.vector[0] as number;
        onAsk(row, live);
        return answerOf([row, row + 1], [0, 1]);
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
  };
}

t.test('a measurement samples each point once, and the same points again', async (t) => {
  const rows: number[] = [];
  const { run } = await measured(200, (row) => rows.push(row));
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
