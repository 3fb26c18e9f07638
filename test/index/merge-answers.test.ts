// Answers to the parts of one query, joined.

import t from 'tap';
import { mergeAnswers } from '../../src/index/merge-answers.js';
import type { Answer, QueryStats, SearchWay } from '../../src/index/query.js';

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

t.test('parts in doubt leave all of it in doubt, within the least distance', async (t) => {
  const part = (within?: number, isOfCandidates = true, isOfLeaves = false): Answer => {
    const { stats, ...rest } = answer([[1, 1]]);
    const doubt = { within: within ?? 0, isOfCandidates, isOfLeaves };
    return { ...rest, stats: { ...stats, ...(within !== undefined && { doubt }) } };
  };
  const doubtOf = (...parts: Answer[]) => parts.reduce((a, b) => mergeAnswers(a, b, 1)).stats.doubt;
  const ofBoth = { isOfCandidates: true, isOfLeaves: true };
  const ofCandidates = { isOfCandidates: true, isOfLeaves: false };
  const ofLeaves = { isOfCandidates: false, isOfLeaves: true };
  t.same(doubtOf(part(), part(3), part(2, false, true)), { within: 2, ...ofBoth });
  t.same(doubtOf(part(2, false, true), part(3, false, true), part()), { within: 2, ...ofLeaves });
  t.same(doubtOf(part(-3), part(), part(-2)), { within: -3, ...ofCandidates });
  t.same(doubtOf(part(5), part(Number.POSITIVE_INFINITY)), { within: 5, ...ofCandidates });
  t.notOk('doubt' in mergeAnswers(part(), part(), 1).stats);
});

t.test('parts that went different ways were widened in all', async (t) => {
  const part = (searchWay: SearchWay): Answer => {
    const { stats, ...rest } = answer([[1, 1]]);
    return { ...rest, stats: { ...stats, searchWay } };
  };
  const wayOf = (...ways: SearchWay[]) =>
    ways.map(part).reduce((a, b) => mergeAnswers(a, b, 1)).stats.searchWay;
  t.equal(wayOf('exact', 'exact', 'exact'), 'exact');
  t.equal(wayOf('compared_all', 'compared_all'), 'compared_all');
  t.equal(wayOf('probes', 'compared_all', 'probes'), 'widened');
});
