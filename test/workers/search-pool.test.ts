import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { SearchView } from '../../src/workers/messages.js';
import { SearchPool } from '../../src/workers/search-pool.js';
import { pendingSource } from './source.js';

t.test('a thread has one scratch area in a generation, whatever views come and go', async (t) => {
  const { view, vectors } = await pendingSource(t, 50, { dimension: 8, metric: 'l2' });
  const pool = new SearchPool({ threads: 1 }, (error) => t.fail(String(error)));
  t.teardown(() => pool.close());
  const query = { vector: vectors[7] as Float32Array, k: 1, probes: 1, rerankFactor: 10, exact: false };
  let shown = 0;
  const pages = () => (view.memories[0] as WebAssembly.Memory).grow(0);
  /** Searches a view of the generation that no other overlaps with. */
  const search = async (last?: string) => {
    const next: SearchView = { ...view, key: `${view.generationKey}/${++shown}` };
    const [answer] = await pool.search(next, [query]);
    t.same([...(answer?.rows ?? [])], [7]);
    pool.release(next.key, last);
    // The thread hears of it between two tasks.
    await setTimeout(20);
  };

  const before = pages();
  await search();
  const withScratch = pages();
  t.ok(withScratch > before);
  for (let round = 0; round < 5; round++) await search();
  t.equal(pages(), withScratch, 'the area is used again');
  await search(view.generationKey);
  for (let round = 0; round < 100 && pages() === withScratch; round++) await search();
  t.ok(pages() > withScratch, 'a generation that was gone is met as a new one');
});
