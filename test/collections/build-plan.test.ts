import t from 'tap';
import { checkBuild, sizeOfBuild } from '../../src/collections/build-plan.js';
import type { CollectionParts } from '../../src/collections/collection-parts.js';
import { MemoryBudget } from '../../src/collections/memory-budget.js';
import { arenaShape } from '../../src/index/build/arena.js';
import { completeSettings } from '../../src/index/settings.js';

t.test(
  'a build whose threads would share more than one memory holds is refused, however much RAM there is',
  async (t) => {
    const settings = completeSettings({ dimension: 768, metric: 'cosine' });
    const sizeOf = (points: number) =>
      sizeOfBuild({
        settings,
        shape: arenaShape(settings, points, 2),
        counts: undefined,
        rowBase: points,
        searchThreads: 2,
        rowBytes: 3072,
        isInMemory: false,
      });
    const services = { memory: new MemoryBudget(2 ** 50, 0), buildClaims: new Set() };
    const parts = { services } as unknown as CollectionParts;
    t.doesNotThrow(() => checkBuild(parts, sizeOf(40_000_000)));
    t.throws(() => checkBuild(parts, sizeOf(80_000_000)), { code: 'memory_full' });
  },
);
