// Makes room in RAM for rows before they are stored. Main thread.

import type { PendingSegments } from '../storage/pending-segments.js';
import type { MemoryBudget, MemoryClaim } from './memory-budget.js';
import type { ServedGeneration } from './served-generation.js';

export interface RowRoom {
  memory: MemoryBudget;
  vectorClaim: MemoryClaim;
  pending: PendingSegments;
  /** Bytes of a vector. */
  rowBytes: number;
}

/** Room for the rows below `nextRow`: their codes and, where vectors are in memory, themselves. @throws memory_full */
export async function reserveRows(
  { memory, vectorClaim, pending, rowBytes }: RowRoom,
  served: ServedGeneration,
  nextRow: number,
): Promise<void> {
  served.claimRows(nextRow);
  if (pending.backend === 'memory') vectorClaim.resize(vectorsBytes(served, nextRow, rowBytes));
  await memory.settled();
  served.reserve(nextRow);
}

/** All full vectors of a collection, dead ones included, when its rows end at `nextRow`. */
export function vectorsBytes(
  { generation }: Pick<ServedGeneration, 'generation'>,
  nextRow: number,
  rowBytes: number,
): number {
  return (generation.slots + nextRow - generation.rowBase) * rowBytes;
}
