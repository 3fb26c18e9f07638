// Converts the full vectors of a collection between mapped files and memory while searches go on. Main thread.

import type { Backend } from '../contract/index-settings.js';
import { rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { collectWhenIdle } from '../workers/collect-when-idle.js';
import { apply } from './apply.js';
import type { CollectionParts } from './collection-parts.js';
import { withBackend } from './leaf-vectors.js';
import { vectorsBytes } from './reserve-rows.js';

/**
 * Resolves when every new search reads through `backend` and a restart will, too. No build may switch meanwhile.
 * @throws storage_unchanged, memory_full, storage_corrupt
 */
export async function convertStorage(parts: CollectionParts, backend: Backend): Promise<void> {
  const { entry, writer, vectorClaim } = parts;
  refuseUnchanged(entry.name, writer.meta.backend, backend);
  try {
    if (backend === 'memory') await claimVectors(parts);
    const { unused } = await convert(parts, backend);
    if (backend === 'mmap') vectorClaim.release(unused.then(collectWhenIdle));
  } catch (error) {
    if (writer.meta.backend === 'mmap') vectorClaim.release(collectWhenIdle());
    throw error;
  }
}

/** Resolves with the end of the last use of the vectors as they were. */
async function convert(parts: CollectionParts, backend: Backend): Promise<{ unused: Promise<void> }> {
  const { entry, writer, pending, store, views } = parts;
  const { served } = views.current;
  const leafVectors = await withBackend(served.leafVectors, backend);
  return writer.exclusive(async () => {
    refuseUnchanged(entry.name, writer.meta.backend, backend);
    // Rows may have come since.
    if (backend === 'memory') await claimVectors(parts);
    const before = pending.backend;
    await pending.setBackend(backend);
    try {
      const { changes } = apply((key) => store.get(key), writer.meta, { kind: 'set_storage', backend });
      await writer.commit(changes);
    } catch (error) {
      await pending.setBackend(before);
      throw error;
    }
    served.leafVectors = leafVectors;
    return { unused: views.show(served, pending.descriptor()) };
  });
}

/** @throws memory_full */
async function claimVectors({ entry, writer, views, vectorClaim, services }: CollectionParts): Promise<void> {
  const { served } = views.current;
  vectorClaim.resize(vectorsBytes(served, writer.meta.nextRow, rowBytes(entry)));
  await services.memory.settled();
}

function refuseUnchanged(name: string, present: Backend, wanted: Backend): void {
  if (present === wanted) throw new ServiceError('storage_unchanged', { name, backend: wanted });
}
