// Engines at equal recall.

import t from 'tap';
import { bestPoints, compareAt, speedAt } from '../../bench/search/compare.js';
import type { Point } from '../../bench/search/measure.js';

function point(recall: number, qps: number, engine = 'a'): Point {
  return { engine, setting: '', recall, qps, cpuUs: 1e6 / qps, p50Us: 0, p99Us: 0 };
}
const qps = (of: Point) => of.qps;

t.test('points that another beats in recall and speed do not count', async (t) => {
  const points = [point(0.9, 100), point(0.92, 120), point(0.95, 80), point(0.94, 70)];
  t.strictSame(
    bestPoints(points, qps).map(({ recall }) => recall),
    [0.92, 0.95],
  );
});

t.test('the speed at a recall lies on the line between the measured points beside it', async (t) => {
  const points = [point(0.9, 200), point(1, 100)];
  t.equal(Math.round(speedAt(points, 0.95, qps) as number), 150);
});

t.test('what no point reaches has no speed, and what all exceed has that of the fastest', async (t) => {
  const points = [point(0.93, 200), point(0.97, 100)];
  t.equal(speedAt(points, 0.99, qps), undefined);
  t.equal(speedAt(points, 0.9, qps), 200);
  t.strictSame(compareAt([0.9, 0.99], ['a', 'b'], [...points, point(1, 5, 'b')], qps), [
    { recall: 0.9, a: 200, b: 5 },
    { recall: 0.99, a: '-', b: 5 },
  ]);
});
