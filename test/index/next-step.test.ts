// The ladder: what follows an answer, rung by rung.

import t from 'tap';
import { nextStep, withStepBefore } from '../../src/index/next-step.js';
import type { Answer, Query, QueryStats } from '../../src/index/query.js';
import { completeSettings } from '../../src/index/settings.js';

const K = 3;
const settings = completeSettings({ dimension: 100, metric: 'l2' });
const shape = { settings, leaves: 1000, slots: 300_000, rowBytes: 400 };
const FINDABLE = 300_000;

function queryOf(rest: Partial<Query> = {}): Query {
  const vector = new Float32Array(100);
  return { ...{ vector, k: K, probes: 10, rerankFactor: 5, exact: false, boundWidths: 1 }, ...rest };
}

function answerOf(distances: number[], stats: Partial<QueryStats> = {}): Answer {
  const work = { vectorsScanned: 0, vectorsReranked: 0, prepareUs: 0, rankUs: 0, scanUs: 0, rerankUs: 0 };
  return {
    rows: Uint32Array.from(distances, (_, i) => i),
    distances: Float32Array.from(distances),
    stats: { ...work, searchWay: 'probes', probes: 12, leaves: 1000, ...stats },
  };
}

const doubt = { within: 2.5, isOfCandidates: true, isOfLeaves: false };
const effort = { matchShare: 1, probes: 10, probeShare: 0.9, leftMax: Number.MAX_VALUE, missedMax: 0.1 };

t.test('an answer that holds, and an exact one, is followed by nothing', async (t) => {
  t.equal(nextStep(shape, queryOf(), answerOf([1, 2, 3]), FINDABLE), undefined);
  t.equal(nextStep(shape, queryOf(), answerOf([1, 2]), 2), undefined, 'no more can be found');
  t.equal(nextStep(shape, queryOf({ exact: true }), answerOf([1]), FINDABLE), undefined);
  t.equal(
    nextStep(shape, queryOf({ exact: true, doubt }), answerOf([1, 2, 3], { doubt }), FINDABLE),
    undefined,
  );
});

t.test('an answer in doubt is followed by a second look within the distance it found', async (t) => {
  const query = queryOf({ boundWidths: 1.5, efforts: [effort], missedMax: 0.25 });
  const next = nextStep(shape, query, answerOf([1, 2, 2.5], { doubt }), FINDABLE);
  t.match(next, { doubt, missedMax: 0.25, probes: 12, boundWidths: 1.5, exact: false, k: K });
  t.strictSame([...(next?.doubt?.found ?? [])], [1, 2, 2.5], 'it is told what was found');
  const uneven = nextStep(shape, query, answerOf([1, 2, 2.5], { doubt, isUneven: true }), FINDABLE);
  t.equal(uneven?.doubt?.found, undefined, 'but where it would find that again');
});

t.test('where codes save nothing, all is compared', async (t) => {
  const after = (of: typeof shape, stats: Partial<QueryStats> = { doubt }, findable = FINDABLE) =>
    nextStep(of, queryOf({ efforts: [effort] }), answerOf([1, 2, 2.5], stats), findable);
  const isCompared = (next: Query | undefined): boolean =>
    next?.exact === true && next.doubt === undefined && next.efforts === undefined;
  t.notOk(isCompared(after(shape)));
  const sign = completeSettings({ dimension: 100, metric: 'l2', quantizer: 'sign' });
  t.ok(isCompared(after({ ...shape, settings: sign })), 'sign codes have no bounds');
  const wide = completeSettings({ dimension: 1000, metric: 'l2', bits: 4 });
  t.ok(isCompared(after({ ...shape, settings: wide, rowBytes: 8 })), 'codes are longer than vectors');
  t.ok(
    isCompared(after(shape, { doubt: { ...doubt, within: Number.POSITIVE_INFINITY } })),
    'nothing bounds it',
  );
});

t.test('a second look is followed by nothing, or by all where too few are found', async (t) => {
  const query = queryOf({ doubt, missedMax: 0.25 });
  const after = (distances: number[], findable = FINDABLE) =>
    nextStep(shape, query, answerOf(distances), findable);
  t.equal(after([1, 2, 2.5]), undefined);
  t.equal(after([1, 2], 2), undefined);
  for (const distances of [[1, 2], []]) {
    const next = after(distances);
    t.match(next, { exact: true });
    t.notOk(next !== undefined && 'doubt' in next);
  }
});

t.test(
  'leaves that were given and hold too little are four times as many, then all is compared',
  async (t) => {
    const query: Query = queryOf({ probeShare: 0.5 });
    const short = answerOf([1, 2]);
    t.match(nextStep(shape, query, short, FINDABLE), { probes: 40, probeShare: 1, exact: false });
    t.match(nextStep(shape, queryOf({ probes: 300 }), short, FINDABLE), { probes: 1000, exact: false });
    t.match(nextStep(shape, queryOf({ probes: 1000 }), short, FINDABLE), { exact: true });
    t.match(nextStep({ ...shape, leaves: 0 }, queryOf({ probes: 0 }), short, FINDABLE), { exact: true });
    t.match(
      nextStep(shape, queryOf({ efforts: [effort] }), short, FINDABLE),
      { exact: true },
      'an effort is given up',
    );
    t.match(nextStep(shape, query, answerOf([1, 2], { doubt }), FINDABLE), { exact: true });
  },
);

t.test('what is searched stays the same on every rung', async (t) => {
  const mask = { key: 1, bits: new SharedArrayBuffer(8), pendingCount: 0, matches: 1000 };
  for (const [query, answer] of [
    [queryOf({ mask }), answerOf([1])],
    [queryOf({ mask }), answerOf([1, 2, 3], { doubt })],
    [queryOf({ mask, doubt }), answerOf([1])],
  ] as const) {
    const next = nextStep(shape, query, answer, FINDABLE);
    t.equal(next?.mask, mask);
    t.equal(next?.vector, query.vector);
    t.equal(next?.k, K);
  }
});

t.test('a second look has the hits of the first beside its own, and the work of both', async (t) => {
  const work = { vectorsScanned: 100, vectorsReranked: 10, prepareUs: 1, rankUs: 2, scanUs: 3, rerankUs: 4 };
  const first: Answer = { ...answerOf([1, 3, 5], { ...work, doubt }), rows: Uint32Array.of(7, 8, 9) };
  const second: Answer = {
    ...answerOf([1, 2, 5], { ...work, vectorsScanned: 50, searchWay: 'widened', probes: 40 }),
    rows: Uint32Array.of(7, 2, 4),
  };
  const both = withStepBefore(first, second, queryOf({ doubt }));
  t.strictSame([...both.rows], [7, 2, 8]);
  t.strictSame([...both.distances], [1, 2, 3]);
  const sums = { vectorsScanned: 150, vectorsReranked: 20, prepareUs: 2, rankUs: 4, scanUs: 6, rerankUs: 8 };
  t.match(both.stats, { ...sums, searchWay: 'widened', probes: 40 });
  t.notOk('doubt' in both.stats, 'that was looked into');
  const tied = withStepBefore(first, { ...second, distances: Float32Array.of(1, 2, 3) }, queryOf({ doubt }));
  t.strictSame([...tied.rows].sort(), [2, 4, 7, 8], 'what is as near as the k-th stays');
});

t.test('what is searched anew stands alone', async (t) => {
  const first: Answer = { ...answerOf([1, 3], { vectorsScanned: 5 }), rows: Uint32Array.of(7, 8) };
  const second = answerOf([2, 2.5, 4], { vectorsScanned: 6 });
  const both = withStepBefore(first, second, queryOf({ exact: true }));
  t.strictSame(both.rows, second.rows);
  t.equal(both.stats.vectorsScanned, 11);
});
