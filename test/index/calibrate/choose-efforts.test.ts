// Efforts chosen from made-up measurements, whose recalls are known.

import t from 'tap';
import { chooseEfforts, type TargetRule } from '../../../src/index/calibrate/choose-efforts.js';
import { LeafProfiles } from '../../../src/index/calibrate/leaf-profiles.js';
import {
  allocateSamples,
  CALIBRATED_KS,
  NEIGHBOURS_CALIBRATED,
  QuerySample,
} from '../../../src/index/calibrate/samples.js';
import type { CalibratedEffort } from '../../../src/index/calibration.js';
import { seededRandom } from '../../../src/index/random.js';
import { ALL_READ } from './made-up.js';

const LEAVES = 200;
const QUERIES = 1000;

type RankOf = (i: number, random: number) => number;

/** Nearest neighbours are in nearer leaves. */
const EXPONENTIAL: RankOf = (i, random) => {
  const scale = i === 0 ? 7 : i < 10 ? 8 : 12;
  return Math.floor(-scale * Math.log(1 - random));
};

/** `rankOf`: of the leaf with a query's i-th neighbour, from a random number. */
function effortsFor(
  rankOf: RankOf,
  {
    rule,
    queries = QUERIES,
    change = () => {},
  }: { rule?: TargetRule; queries?: number; change?: (sample: QuerySample, query: number) => void } = {},
) {
  const random = seededRandom(17);
  const shape = { queries, leaves: LEAVES };
  const buffer = allocateSamples(shape);
  const samples = Array.from({ length: queries }, (_, query) => {
    const sample = new QuerySample(buffer, shape, query);
    sample.count = NEIGHBOURS_CALIBRATED;
    sample.leafDistances.set(sample.leafDistances.map((_, i) => i));
    sample.leafSizes.fill(10);
    sample.leafRanks.set(sample.leafRanks.map((_, i) => Math.min(LEAVES - 1, rankOf(i, random()))));
    sample.estimateRanks.set(sample.estimateRanks.map((_, i) => i));
    sample.bounds.fill(ALL_READ);
    // Nothing is expected in leaves that are left out: their vectors lie far beyond the neighbours.
    sample.leafMeans.fill(1);
    sample.leafSpreads.fill(0.01);
    change(sample, query);
    return sample;
  });
  const efforts = chooseEfforts(new LeafProfiles(samples, LEAVES, LEAVES, undefined), 16, rule);
  const at = (k: number, target: number): CalibratedEffort | undefined =>
    efforts.find((one) => one.k === k && one.targetRecall === target);
  return { efforts, at };
}

t.test(
  'what is found more often costs no more: a target for few neighbours has the margin of many',
  async (t) => {
    const { efforts, at } = effortsFor(EXPONENTIAL);
    t.strictSame([...new Set(efforts.map(({ k }) => k))], [...CALIBRATED_KS], 'by k, ascending');
    for (const { k, targetRecall, recall, vectorsScannedMean } of efforts) {
      t.ok(recall >= targetRecall, `${k}, ${targetRecall}: ${recall}`);
      for (const larger of CALIBRATED_KS.filter((one) => one > k)) {
        const dearer = at(larger, targetRecall)?.vectorsScannedMean ?? Number.POSITIVE_INFINITY;
        t.ok(vectorsScannedMean <= dearer, `${k}, ${targetRecall}`);
      }
    }
  },
);

t.test('the mean lies above the target by what each rule asks', async (t) => {
  const confident = effortsFor(EXPONENTIAL, { rule: 'confident', queries: 200 });
  t.same(effortsFor(EXPONENTIAL, { queries: 200 }).efforts, confident.efforts, 'which is the one taken');
  const expected = effortsFor(EXPONENTIAL, { rule: 'expected', queries: 200 });
  for (const { k, targetRecall, recall, standardError } of confident.efforts) {
    t.ok(recall - standardError >= targetRecall, `${k}, ${targetRecall}: ${recall}`);
    if (k === CALIBRATED_KS.at(-1)) t.ok(recall - 1.64 * standardError >= targetRecall);
  }
  t.notSame(expected.efforts, confident.efforts);
  for (const { k, targetRecall, recall, probes } of expected.efforts) {
    if (k !== CALIBRATED_KS.at(-1)) continue;
    t.ok((200 * (1 - recall) + 1) / 201 <= 1 - targetRecall, `${targetRecall}: ${recall}`);
    t.ok(probes < LEAVES);
  }
});

t.test('targets that no effort reaches are left out', async (t) => {
  // One neighbour in ten is never read, whichever it is.
  const change = (sample: QuerySample, query: number): void => {
    for (let i = 0; i < NEIGHBOURS_CALIBRATED; i++) if ((i + query) % 10 === 0) sample.bounds[i] = 0;
  };
  for (const rule of ['confident', 'expected'] as const) {
    const { efforts, at } = effortsFor(EXPONENTIAL, { rule, change });
    t.ok(efforts.every(({ targetRecall }) => targetRecall < 0.9));
    for (const k of CALIBRATED_KS) {
      t.ok(at(k, 0.8), `${rule}, ${k}`);
      t.equal(at(k, 0.95), undefined, `${rule}, ${k}`);
    }
  }
  const few = effortsFor(() => 3, { change: (sample, query) => (sample.count = query === 7 ? 9 : 100) });
  t.strictSame([...new Set(few.efforts.map(({ k }) => k))], [1], 'nor k neighbours where there are fewer');
  const none = effortsFor(() => 3, { queries: 20, rule: 'expected' });
  t.equal(none.at(10, 0.98), undefined, 'twenty queries cannot tell');
  t.ok(none.at(10, 0.95));
});

t.test('candidates are so many that what is not kept is out of question', async (t) => {
  const change = (sample: QuerySample, query: number): void => {
    // By k, the narrow and the wide bound: of one query in a hundred more.
    sample.questionable.set([20, 30, 40, 60, 200, 300]);
    if (query % 100 === 0) sample.questionable.fill(1000);
    if (query === 1) sample.questionable.fill(5000);
  };
  const { at } = effortsFor(() => 3, { change });
  t.equal(at(100, 0.95)?.candidates, 1000, 'all queries but one in two hundred');
  const usual = effortsFor(() => 3, {
    change: (sample) => sample.questionable.set([20, 30, 40, 60, 200, 300]),
  });
  t.equal(usual.at(100, 0.95)?.candidates, 200);
  t.equal(usual.at(100, 0.96)?.candidates, 300, 'above the high target by the wide bound');
  t.equal(effortsFor(() => 3).at(100, 0.95)?.candidates, 200, 'twice those needed where there are no bounds');
});

t.test(
  'queries that expect more in other leaves scan further ones, up to where the rest may be missed',
  async (t) => {
    // One query in thirty finds its neighbours thirty leaves farther, where they are to be expected.
    const isHard = (query: number): boolean => query % 30 === 0;
    const change = (sample: QuerySample, query: number): void => {
      if (isHard(query))
        sample.leafRanks.set(sample.leafRanks.map((rank) => Math.min(LEAVES - 1, rank + 30)));
      if (isHard(query)) sample.leafMeans.fill(0, 0, 60);
      sample.leafSpreads.fill(0.2);
    };
    const { efforts, at } = effortsFor(EXPONENTIAL, { change });
    for (const { k, leftMax, missedMax } of efforts) {
      t.ok(leftMax > 0 && leftMax <= k, `${k}: ${leftMax}, no query may expect to miss all`);
      t.ok(missedMax > 0, `${k}: ${missedMax}`);
    }
    const { probes, probesMean, recall } = at(10, 0.95) as CalibratedEffort;
    t.ok(
      probesMean > probes && probesMean < 1.5 * probes,
      `${probes}, on average ${probesMean}: a few scan more`,
    );
    t.ok(recall > 0.96, `${recall}: and find more`);
  },
);
