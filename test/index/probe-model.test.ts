// The model of expected hits and its rough arithmetic.

import t from 'tap';
import { expectedHits, roughExp2, roughLog2 } from '../../src/index/probe-model.js';

t.test(
  'the rough logarithm is exact at powers of two, near elsewhere, and undone by the rough power',
  async (t) => {
    for (const exponent of [-20, -1, 0, 1, 7, 30]) t.equal(roughLog2(2 ** exponent), exponent);
    for (let value = 0.01; value < 1e6; value *= 1.37) {
      t.ok(Math.abs(roughLog2(value) - Math.log2(value)) < 0.09, `${value}`);
      t.ok(Math.abs(roughExp2(roughLog2(value)) / value - 1) < 1e-4, `${value}`);
    }
    t.equal(roughExp2(1e9), 2 ** 100);
    t.equal(roughExp2(-1e9), 2 ** -100);
  },
);

t.test('farther, smaller and later leaves are expected to hold fewer hits', async (t) => {
  const model = { gap: -1, gapSquared: -0.1, relativeGap: -0.5, logSize: 1, logRank: -0.2 };
  const hits = new Float32Array(4);
  expectedHits(model, [1, 1.5, 2, 2], [64, 64, 64, 16], 4, hits);
  const [a, b, c, d] = hits as unknown as [number, number, number, number];
  t.ok(a > b && b > c && c > 3 * d, `${hits}`);
  expectedHits(model, [2, 2, 2, 2], [8, 8, 8, 8], 4, hits);
  t.ok(hits.every(Number.isFinite), 'leaves as near as each other have no spread');
});
