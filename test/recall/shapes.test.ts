// The declared recall over shapes of data and what happens to them: a small run of `npm run bench -- recall --shapes`, which
// has more shapes and queries, and holds the work to that of a fresh build.

import t from 'tap';
import { measureCell } from '../../bench/shapes/cell.js';
import { measureCopies } from '../../bench/shapes/copies.js';
import { seedOf, shapeNamed } from '../../bench/shapes/shapes.js';
import { STATES, type State, sceneOf } from '../../bench/shapes/states.js';
import type { Metric } from '../../src/contract/index-settings.js';
import { openEngine } from '../collections/engine.js';

const COUNT = 1500;
const QUERIES = 150;
const AIMS = [0.95, 0.99].map((target) => ({ k: 10, target }));
/** What each shape is hard in. */
const CHOSEN: [shape: string, metric: Metric, states: readonly State[]][] = [
  ['gaussian', 'l2', ['replaced', '90 % deleted']],
  ['offset-16000', 'l2', ['built', 'region inserted']],
  ['one-outlier', 'l2', ['unbuilt', 'built', 'replaced']],
  ['unequal-dimensions', 'cosine', ['region deleted', '90 % deleted']],
  ['unequal-lengths', 'dot', ['region deleted', 'region inserted', '90 % deleted']],
  ['clusters-apart', 'cosine', STATES],
  ['surface-in-64', 'l2', STATES],
];

const { collections } = await openEngine(t, undefined, { searchThreads: 2 });

for (const [name, metric, states] of CHOSEN) {
  for (const state of states) {
    t.test(`${name}, ${metric}, ${state}: the declared recall is reached`, async (t) => {
      const shape = shapeNamed(name);
      const scene = sceneOf({ shape, metric, state, count: COUNT, queries: QUERIES, seed: seedOf(shape) });
      const results = await measureCell(collections, {
        metric,
        state,
        scene,
        aims: AIMS,
        withoutFresh: true,
      });
      for (const { k, target, recall, upper, bad } of results) {
        t.ok(upper >= target, `recall@${k} at ${target}: ${recall.toFixed(3)}, at most ${upper.toFixed(3)}`);
        t.equal(bad, 0, `recall@${k} at ${target}: answers that are too short`);
      }
    });
  }
}

for (const metric of ['l2', 'cosine', 'dot'] as const) {
  t.test(`${metric}: recall stays where vectors are moved, turned, scaled or permuted`, async (t) => {
    const shape = shapeNamed('clusters-overlapping');
    const given = { shape, metric, count: 1000, queries: 2 * QUERIES, seed: seedOf(shape) };
    for (const { state, result } of await measureCopies(collections, given)) {
      t.strictSame(result.failures, [], `${state}: ${result.recall.toFixed(3)}`);
    }
  });
}
