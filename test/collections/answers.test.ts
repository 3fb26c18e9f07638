import t from 'tap';
import { recallOf } from '../../src/collections/recall.js';
import { compareHits, passes, scoreOf } from '../../src/collections/scores.js';
import type { Answer, QueryStats } from '../../src/index/query.js';

function answer(pairs: [row: number, distance: number][], vectorsScanned = 0, scanUs = 0): Answer {
  const stats: QueryStats = {
    searchWay: 'probes',
    probes: 1,
    leaves: 9,
    vectorsScanned,
    vectorsReranked: 0,
    prepareUs: 0,
    rankUs: 0,
    scanUs,
    rerankUs: 0,
  };
  return {
    rows: Uint32Array.from(pairs, ([row]) => row),
    distances: Float32Array.from(pairs, ([, distance]) => distance),
    stats,
  };
}

t.test('scores are those of the metric, and thresholds follow their direction', async (t) => {
  t.equal(scoreOf('l2', 25), 5);
  t.equal(scoreOf('l2', -1e-9), 0);
  t.equal(scoreOf('cosine', 0.5), 0.75);
  t.equal(scoreOf('cosine', -1e-7), 1);
  t.equal(scoreOf('cosine', 4.000001), -1);
  t.equal(scoreOf('dot', -3), 3);
  t.ok(Object.is(scoreOf('dot', 0), 0));
  t.ok(passes('l2', 1, 1));
  t.notOk(passes('l2', 1.1, 1));
  t.ok(passes('cosine', 0.9, 0.8));
  t.notOk(passes('dot', 0.7, 0.8));
});

t.test('hits at one distance are ordered by the text of their ids', async (t) => {
  const hits = ['b', '9', '10', 'a'].map((key) => ({ key, distance: 1 }));
  hits.push({ key: 'z', distance: 0 });
  t.strictSame(
    hits.sort(compareHits).map((hit) => hit.key),
    ['z', '10', '9', 'a', 'b'],
  );
});

t.test('recall leaves the sample out and counts equal distances as found', async (t) => {
  const truth = answer([
    [1, 0],
    [2, 1],
    [3, 2],
    [4, 2],
  ]);
  const found = answer([
    [1, 0],
    [2, 1],
    [4, 2],
    [5, 7],
  ]);
  t.equal(recallOf(found, truth, 1, 2), 1);
  t.equal(recallOf(found, truth, 1, 3), 2 / 3);
  t.equal(recallOf(answer([[1, 0]]), answer([[1, 0]]), 1, 10), 1);
  t.equal(recallOf(answer([]), truth, 1, 3), 0);
});
