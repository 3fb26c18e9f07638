// The bound that judges what is promised of single queries.

import t from 'tap';
import { upperShare } from '../../bench/recall/share-bound.js';

t.test('the bound of Clopper and Pearson is that of their tables', async (t) => {
  t.equal(upperShare(5000, 5000), 1);
  // Five of ten.
  t.equal(upperShare(5, 10).toFixed(3), '0.778');
  t.equal(upperShare(0, 10).toFixed(4), (1 - 0.05 ** (1 / 10)).toFixed(4));
  t.ok(upperShare(4938, 5000) >= 0.99);
  t.notOk(upperShare(4937, 5000) >= 0.99);
});
