// Gives the memory of a stored batch back at once. Main thread.

import type { PointBatch } from '../contract/point-batch.js';

/**
 * Detaches the buffers of a batch that nobody needs any more. Left to the garbage collector they make it run: it counts
 * them as pressure, and marks the whole heap every few tens of megabytes.
 */
export function releaseBatch({ vectors }: PointBatch): void {
  structuredClone(null, { transfer: [vectors.buffer as ArrayBuffer] });
}
