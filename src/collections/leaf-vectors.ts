// Moves a generation's leaf-ordered vectors into memory, or out of it. Main thread; reads in chunks, without blocking.

import type { Backend } from '../contract/index-settings.js';
import { loadSegment } from '../storage/segment-loading.js';
import type { SegmentDescriptor, VectorsDescriptor } from '../storage/vectors.js';

/** The same vectors read through `backend`; the descriptor given in stays valid. @throws storage_corrupt */
export async function withBackend(
  vectors: VectorsDescriptor | null,
  backend: Backend,
): Promise<VectorsDescriptor | null> {
  if (vectors === null) return null;
  const segments: SegmentDescriptor[] = [];
  for (const { buffer, ...mapped } of vectors.segments) {
    if (backend === 'mmap') segments.push(mapped);
    else segments.push({ ...mapped, buffer: buffer ?? (await loadSegment(mapped.path, mapped.rows)) });
  }
  return { ...vectors, segments };
}
