// Efforts chosen from made-up measurements, whose recalls are known.

import t from 'tap';
import { chooseEfforts } from '../../../src/index/calibrate/choose-efforts.js';
import {
  allocateSamples,
  CALIBRATED_KS,
  NEIGHBOURS_CALIBRATED,
  QuerySample,
} from '../../../src/index/calibrate/samples.js';
import { seededRandom } from '../../../src/index/random.js';

const LEAVES = 200;
const SHAPE = { queries: 1000, leaves: LEAVES };
const ALL_READ = (1 << CALIBRATED_KS.length) - 1;

/** `rankOf`: of the leaf with a query's i-th neighbour, from a random number. */
function effortsFor(rankOf: (i: number, random: number) => number) {
  const random = seededRandom(17);
  const buffer = allocateSamples(SHAPE);
  const samples = Array.from({ length: SHAPE.queries }, (_, query) => {
    const sample = new QuerySample(buffer, SHAPE, query);
    sample.count = NEIGHBOURS_CALIBRATED;
    sample.leafDistances.set(sample.leafDistances.map((_, i) => i));
    sample.leafSizes.fill(10);
    sample.leafRanks.set(sample.leafRanks.map((_, i) => Math.min(LEAVES - 1, rankOf(i, random()))));
    sample.estimateRanks.set(sample.estimateRanks.map((_, i) => i));
    sample.bounds.fill(ALL_READ);
    return sample;
  });
  const efforts = chooseEfforts(samples, SHAPE, LEAVES, undefined);
  t.strictSame([...new Set(efforts.map(({ k }) => k))], [...CALIBRATED_KS], 'by k, ascending');
  const at = (k: number, target: number) => {
    const effort = efforts.find((one) => one.k === k && one.targetRecall === target);
    if (effort === undefined) throw new Error(`no effort for ${k} and ${target}`);
    return effort;
  };
  return { efforts, at };
}

t.test(
  'what is found more often costs no more: a target for few neighbours has the margin of many',
  async (t) => {
    const scale = (i: number): number => (i === 0 ? 7 : i < 10 ? 8 : 12);
    const { efforts, at } = effortsFor((i, random) => Math.floor(-scale(i) * Math.log(1 - random)));
    for (const { k, targetRecall, recall, vectorsScannedMean, probes } of efforts) {
      t.ok(recall >= targetRecall || probes === LEAVES, `${k}, ${targetRecall}: ${recall}`);
      for (const larger of CALIBRATED_KS.filter((one) => one > k))
        t.ok(vectorsScannedMean <= at(larger, targetRecall).vectorsScannedMean, `${k}, ${targetRecall}`);
    }
  },
);
