import fc from 'fast-check';
import t from 'tap';
import { RowSlots } from '../../src/index/row-slots.js';

t.test('finds the slot of every row it holds, and of no other', async () => {
  const rows = fc.uniqueArray(fc.integer({ min: 0, max: 2000 }), { maxLength: 600 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 0, max: 300 }), async (slotRows, beyond) => {
      const rowBase = Math.max(-1, ...slotRows) + 1 + beyond;
      const index = await RowSlots.of(Uint32Array.from(slotRows), rowBase);
      const slots = new Map(slotRows.map((row, slot) => [row, slot]));
      for (let row = 0; row < rowBase + 600; row++) if (index.slotOf(row) !== slots.get(row)) return false;
      return true;
    }),
    { verbose: true, numRuns: 60 },
  );
});

t.test('an empty generation holds no row', async (t) => {
  const index = await RowSlots.of(new Uint32Array(0), 0);
  t.equal(index.slotOf(0), undefined);
  t.equal(index.byteLength, 0);
});
