// Shows appended rows to searches: their files before the commit, the rows themselves after it. Main thread.

import type { PendingSegments } from '../storage/pending-segments.js';
import type { Committed } from './commit-group.js';
import type { Views } from './views.js';

/** Searches that start now can read every row that was appended; before a commit, so that no stored row is out of reach. */
export function showFiles(views: Views, pending: PendingSegments): void {
  const { view, served } = views.current;
  const vectors = pending.descriptor();
  // Each file has a counter of its own, which tells it from an earlier file of the same name.
  if (vectors.segments.at(-1)?.filled !== view.vectors.segments.at(-1)?.filled)
    void views.show(served, vectors);
}

/**
 * Searches that start now find the rows below `meta.nextRow`, and not the dead ones. New rows come first: a replaced
 * point may be met twice for a moment, of which the look-up of its id keeps one, but is never missed.
 */
export function publish({ current: { served } }: Views, { meta, deadRows }: Committed): void {
  served.publish(meta.nextRow);
  for (const row of deadRows) served.markDead(row);
}
