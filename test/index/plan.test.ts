// What a search plan makes of a request and of what was calibrated.

import t from 'tap';
import { effortFor } from '../../src/index/calibration.js';
import { maskOf } from '../../src/index/match-mask.js';
import { type EffortRequest, planSearch } from '../../src/index/plan.js';
import { completeSettings } from '../../src/index/settings.js';
import { CANDIDATES_MAX } from '../../src/limits.js';
import { calibration, effort, guarantee } from './calibrated.js';

const settings = completeSettings({ dimension: 100, metric: 'l2' });
const shape = { settings, leaves: 5000, slots: 1_000_000, rowBytes: 400 };
const none = { slots: new Uint32Array(), pending: new Uint32Array() };

function plan(
  request: Partial<EffortRequest>,
  of: Partial<typeof shape> = {},
  calibrated: typeof calibration | null = calibration,
) {
  return planSearch({ ...shape, ...of }, calibrated, { k: 10, ...request });
}

t.test('a plan follows the target, 0.95 without one; probes that are given are taken', async (t) => {
  t.match(plan({ targetRecall: 0.99 }), { probes: 2000, probeShare: 0.99, rerankFactor: 20, exact: false });
  t.match(plan({}), { probes: 400, probeShare: 0.95, rerankFactor: 20, exact: false });
  t.match(plan({}, { leaves: 300 }), { probes: 300 });
  const fixed = plan({ probes: 7, rerankFactor: 3 });
  t.strictSame(fixed, { probes: 7, probeShare: 1, rerankFactor: 3, exact: false });
  t.match(plan({ k: 1000, rerankFactor: 100 }), { rerankFactor: CANDIDATES_MAX / 1000 });
});

t.test('where the calibration cannot tell, all is compared', async (t) => {
  t.match(plan({ targetRecall: 1 }), { exact: true });
  t.match(plan({ targetRecall: 0.995 }), { exact: true });
  t.match(plan({}, {}, null), { exact: true });
  t.match(plan({ minRecall: 0.9, confidence: 0.999 }), { exact: true });
  t.match(plan({ probes: 5 }, {}, null), { exact: false, probes: 5 });
});

t.test('without leaves all codes are scanned, unless every neighbour is asked for', async (t) => {
  t.match(plan({ targetRecall: 0.5 }, { leaves: 0 }, null), { exact: false, efforts: [], boundWidths: 0.8 });
  t.match(plan({ targetRecall: 0.99 }, { leaves: 0 }, null), { exact: false, boundWidths: 1.2 });
  t.match(plan({ targetRecall: 1 }, { leaves: 0 }, null), { exact: true });
  t.match(plan({ minRecall: 0.5 }, { leaves: 0 }, null), { exact: true });
});

t.test('a least recall is planned by the guarantee', async (t) => {
  const { probes, probeShare, candidates } = guarantee(10, 1, 0.95);
  const found = plan({ minRecall: 0.9 });
  t.match(found, { probes, probeShare, rerankFactor: candidates / 10, exact: false, boundWidths: 1.2 });
  t.match(plan({ minRecall: 0.9, confidence: 0.99 }), { probeShare: guarantee(10, 1, 0.99).probeShare });
});

t.test('what the caller has capped is not looked into further', async (t) => {
  t.match(plan({}), { boundWidths: 0.8, isCapped: false, nearestMax: calibration.nearestMax });
  t.equal(plan({ targetRecall: 0.95 }).boundWidths, 0.8);
  t.equal(plan({ targetRecall: 0.96 }).boundWidths, 1.2);
  t.notOk('boundWidths' in plan({ probes: 7 }));
  t.notOk('isCapped' in plan({ probes: 7 }), 'a query is capped where nothing is said');
  t.match(plan({ rerankFactor: 7 }), { isCapped: true });
});

t.test('a second look may leave out a part of the misses that are allowed', async (t) => {
  const missedMax = (request: Parameters<typeof plan>[0]): number => plan(request).missedMax ?? 0;
  for (const targetRecall of [0.8, 0.95, 0.99]) {
    const allowed = (1 - targetRecall) * 10;
    t.ok(missedMax({ targetRecall }) > 0.5 * allowed && missedMax({ targetRecall }) < allowed);
  }
  t.ok(missedMax({ minRecall: 0.9 }) < 0.05, 'of a promise, no more than the doubt that is left');
  t.ok(missedMax({ minRecall: 0.9, confidence: 0.99 }) < 0.01);
});

t.test(
  'where a share of the vectors may be found, the effort is that of so many more neighbours',
  async (t) => {
    const { efforts = [] } = plan({ targetRecall: 0.8 });
    t.strictSame(
      efforts.map(({ matchShare }) => matchShare),
      [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64],
      'to ten times what was calibrated',
    );
    for (const { matchShare, probes, probeShare, missedMax } of efforts) {
      const of = effortFor(calibration, Math.round(10 / matchShare), 0.8);
      t.match(of, { probes, probeShare }, `${matchShare}`);
      t.equal(missedMax, (of?.missedMax ?? 0) * matchShare);
    }
    t.equal(
      plan({ targetRecall: 0.99 }).efforts?.length,
      4,
      'beyond the largest k no effort reaches as much',
    );
    const few = plan({ targetRecall: 0.8 }, { leaves: 50 }).efforts?.map((one) => one.probes);
    t.ok((few?.length ?? 0) > 1, 'only a share of these leaves is scanned');
    const all = {
      ...calibration,
      efforts: [1, 10, 100].map((k) => ({ ...effort(k, 0.95), probeShare: 1, probes: 5 * k })),
    };
    t.equal(plan({}, { leaves: 50 }, all).efforts?.length, 1, 'an effort that scans all leaves is the last');
  },
);

t.test('few matches of a filter are all compared', async (t) => {
  const mask = { ...maskOf(1, none, { slots: 0, pendingCount: 0 }), matches: 4000 };
  const of = (matches: number, request: Partial<EffortRequest> = {}) =>
    planSearch(shape, calibration, { k: 10, ...request }, { ...mask, matches }).exact;
  t.equal(of(4000), true);
  t.equal(of(4001), false);
  t.equal(of(100, { probes: 3 }), true);
  t.equal(of(100_000, { probes: 3 }), false);
});
