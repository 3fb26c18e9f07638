// What clustering is likely to come to, before it has run. Any thread.

import { BLOCK_VECTORS } from '../../kernels/layout.js';
import type { LayoutCounts } from '../memory-layout.js';
import type { IndexSettings } from '../settings.js';

/** Leaves come out at this share of half of `maxLeafSize`, on average (`npm run bench -- memory` shows theirs). */
const LEAF_FILL = 0.75;

/** What a build of `points` is likely to come to, as if all of it were in one memory: more of them take hardly more. */
export function foreseenCounts(settings: IndexSettings, points: number): LayoutCounts {
  const { maxLeafSize, branchingFactor } = settings;
  const leaves = Math.max(1, Math.round(points / Math.max(1, (LEAF_FILL * maxLeafSize) / 2)));
  const levelCounts = [leaves];
  for (let count = leaves; count > branchingFactor; ) {
    count = Math.ceil(count / branchingFactor);
    levelCounts.push(count);
  }
  // The last block of a leaf is half full.
  const codeBlocks = Math.ceil(points / BLOCK_VECTORS + leaves / 2);
  return { slots: points, leaves, levelCounts, codeBlocks, codeMemories: [] };
}
