// Which calibrated effort serves a k and a target, and what a search plan makes of it.

import t from 'tap';
import { type CalibratedEffort, type Calibration, effortFor } from '../../src/index/calibration.js';
import { planSearch } from '../../src/index/plan.js';
import { completeSettings } from '../../src/index/settings.js';

function effort(k: number, targetRecall: number): CalibratedEffort {
  const probes = Math.round((10 * (1 + Math.log10(k))) / (1 - targetRecall));
  return {
    ...{ k, targetRecall, probes, probeShare: targetRecall, candidates: 20 * k },
    ...{ recall: targetRecall + 0.005, standardError: 0.003, probesMean: probes / 2 },
    vectorsScannedMean: probes * 100,
  };
}

const calibration: Calibration = {
  queries: 1000,
  efforts: [1, 10, 100].flatMap((k) => [0.8, 0.9, 0.95, 0.99].map((target) => effort(k, target))),
};

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
});

t.test('beyond the largest k a higher target is aimed at', async (t) => {
  const found = effortFor(calibration, 1000, 0.9) as CalibratedEffort;
  t.equal(found.targetRecall, 0.95);
  t.equal(found.candidates, 20 * 1000);
  t.equal(effortFor(calibration, 1000, 0.99), undefined);
});

const settings = completeSettings({ dimension: 100, metric: 'l2' });

t.test('a plan follows the target, 0.95 without one; probes that are given are taken', async (t) => {
  const aimed = planSearch(settings, 5000, calibration, { k: 10, targetRecall: 0.99 });
  t.match(aimed, { probes: 2000, probeShare: 0.99, rerankFactor: 20, exact: false });
  t.match(planSearch(settings, 5000, calibration, { k: 10 }), { probes: 400, probeShare: 0.95 });
  t.match(planSearch(settings, 300, calibration, { k: 10 }), { probes: 300 });
  const fixed = planSearch(settings, 5000, calibration, { k: 10, probes: 7, rerankFactor: 3 });
  t.strictSame(fixed, { probes: 7, probeShare: 1, rerankFactor: 3, exact: false });
});

t.test('a target that nothing calibrated reaches is met by an exact search', async (t) => {
  t.match(planSearch(settings, 5000, calibration, { k: 10, targetRecall: 1 }), { exact: true });
  t.match(planSearch(settings, 0, null, { k: 10, targetRecall: 0.5 }), { exact: true });
  t.match(planSearch(settings, 5000, null, { k: 10 }), { exact: false, probeShare: 1 });
});
