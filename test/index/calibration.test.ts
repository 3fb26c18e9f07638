// Which calibrated effort serves a k and a target, and which guarantee a k and its misses.

import t from 'tap';
import { type CalibratedEffort, effortFor, guaranteeFor } from '../../src/index/calibration.js';
import { calibration, effort, guarantee } from './calibrated.js';

t.test('a target is served by the effort of the next higher one', async (t) => {
  t.strictSame(effortFor(calibration, 10, 0.95), effort(10, 0.95));
  t.strictSame(effortFor(calibration, 10, 0.91), effort(10, 0.95));
  t.strictSame(effortFor(calibration, 1, 0.1), effort(1, 0.8));
  t.equal(effortFor(calibration, 10, 0.995), undefined);
});

t.test('a k between two gets the leaves of the dearer one, and candidates in between', async (t) => {
  const found = effortFor(calibration, 30, 0.9) as CalibratedEffort;
  t.equal(found.probes, effort(100, 0.9).probes);
  t.ok(found.candidates > 500 && found.candidates < 700, `${found.candidates}`);
  const misses = effort(100, 0.9).missedMax * 0.3;
  t.ok(Math.abs(found.missedMax - misses) < 1e-9, 'of the misses of 100 neighbours those of 30');
});

t.test('beyond the largest k a higher target is aimed at', async (t) => {
  const found = effortFor(calibration, 1000, 0.9) as CalibratedEffort;
  t.equal(found.targetRecall, 0.95);
  t.equal(found.candidates, 20 * 1000);
  t.equal(found.missedMax, 10 * effort(100, 0.95).missedMax);
  t.equal(effortFor(calibration, 1000, 0.99), undefined);
});

t.test('a target that some calibrated k does not reach serves no k beside it', async (t) => {
  const { efforts } = calibration;
  const holed = { ...calibration, efforts: efforts.filter((one) => one.k !== 10 || one.targetRecall < 0.95) };
  for (const k of [2, 10, 30]) t.equal(effortFor(holed, k, 0.95), undefined, `k ${k}`);
  t.equal(effortFor(holed, 1, 0.95)?.k, 1);
  t.equal(effortFor(holed, 100, 0.95)?.k, 100);
  t.equal(effortFor({ ...calibration, efforts: [] }, 10, 0.5), undefined);
});

t.test(
  'a guarantee allows no more misses than the recall, with the least work that is as sure',
  async (t) => {
    t.strictSame(guaranteeFor(calibration, 10, 0.9, 0.95), guarantee(10, 1, 0.95));
    t.strictSame(guaranteeFor(calibration, 10, 1, 0.95), guarantee(10, 0, 0.95));
    t.strictSame(
      guaranteeFor(calibration, 10, 0.91, 0.9),
      guarantee(10, 0, 0.95),
      'the next higher confidence',
    );
    t.strictSame(guaranteeFor(calibration, 10, 0.5, 0.5), guarantee(10, 4, 0.5), 'the next lower misses');
    t.strictSame(
      guaranteeFor(calibration, 100, 0.7, 0.99),
      guarantee(100, 10, 0.99),
      '70 % of 100 are 30 misses',
    );
    t.strictSame(guaranteeFor(calibration, 1, 0.4, 0.5), guarantee(1, 0, 0.5), 'one or none');
    t.equal(guaranteeFor(calibration, 10, 0.9, 0.995), undefined, 'as sure as nothing that was measured');
  },
);

t.test('fewer neighbours than were calibrated may miss as many as those', async (t) => {
  t.strictSame(guaranteeFor(calibration, 5, 0.8, 0.95), guarantee(10, 1, 0.95));
  t.strictSame(
    guaranteeFor(calibration, 30, 0.9, 0.95),
    guarantee(100, 1, 0.95),
    '3 misses, of which 1 was calibrated',
  );
  t.equal(guaranteeFor(calibration, 101, 0.5, 0.5), undefined, 'beyond the largest k nothing is promised');
  t.equal(guaranteeFor({ ...calibration, guarantees: [] }, 10, 0.5, 0.5), undefined);
});

t.test('a recall that is a whole number of neighbours is no more than that by rounding', async (t) => {
  t.ok(0.55 * 100 > 55);
  const half = { ...calibration, guarantees: [guarantee(100, 45, 0.5)] };
  t.equal(guaranteeFor(half, 100, 0.55, 0.5)?.misses, 45);
  for (let misses = 0; misses < 10; misses++) {
    const found = guaranteeFor(calibration, 10, 1 - misses / 10, 0.5);
    t.equal(found?.misses, [0, 1, 1, 1, 4, 4, 4, 4, 4, 4][misses], `${misses} of 10`);
  }
});
