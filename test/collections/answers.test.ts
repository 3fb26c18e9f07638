import t from 'tap';
import { mergeAnswers } from '../../src/collections/merge-answers.js';
import { recallOf } from '../../src/collections/recall.js';
import { compareHits, passes, scoreOf } from '../../src/collections/scores.js';
import type { Answer } from '../../src/index/query.js';

function answer(pairs: [row: number, distance: number][], vectorsScanned = 0, scanUs = 0): Answer {
  const stats = {
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

t.test('merged answers are in order and keep what ties with the k-th', async (t) => {
  const shares = [
    answer(
      [
        [4, 0.5],
        [1, 2],
      ],
      10,
      5,
    ),
    answer([], 3, 9),
    answer(
      [
        [3, 0.5],
        [7, 1],
        [2, 2],
        [9, 3],
      ],
      10,
      7,
    ),
  ];
  const mergeAll = (k: number) => shares.reduce((a, b) => mergeAnswers(a, b, k));
  const merged = mergeAll(4);
  t.strictSame([...merged.rows], [4, 3, 7, 1, 2]);
  t.strictSame([...merged.distances], [0.5, 0.5, 1, 2, 2]);
  t.match(merged.stats, { vectorsScanned: 23, scanUs: 9, leaves: 9, probes: 1 });
  t.equal(mergeAll(100).rows.length, 6);
});

t.test('a part that was crowded makes all of it crowded, at the least distance', async (t) => {
  const part = (crowdedAt?: number): Answer => {
    const { stats, ...rest } = answer([[1, 1]]);
    return { ...rest, stats: { ...stats, ...(crowdedAt !== undefined && { crowdedAt }) } };
  };
  const crowdedAt = (...parts: Answer[]) => parts.reduce((a, b) => mergeAnswers(a, b, 1)).stats.crowdedAt;
  t.equal(crowdedAt(part(), part(3), part(2)), 2);
  t.equal(crowdedAt(part(-3), part(), part(-2)), -3);
  t.notOk('crowdedAt' in mergeAnswers(part(), part(), 1).stats);
});

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
