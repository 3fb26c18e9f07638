// Converts the full vectors of a collection between mapped files and memory while searches go on. Main thread.

import type { Backend } from '../contract/index-settings.js';
import { ServiceError } from '../errors.js';
import { apply } from './apply.js';
import type { CollectionParts } from './collection-parts.js';
import { withBackend } from './leaf-vectors.js';

/**
 * Resolves when every new search reads through `backend` and a restart will, too. No build may switch meanwhile.
 * @throws storage_unchanged, storage_corrupt
 */
export async function convertStorage(parts: CollectionParts, backend: Backend): Promise<void> {
  const { entry, writer, pending, store, views } = parts;
  refuseUnchanged(entry.name, writer.meta.backend, backend);
  const { served } = views.current;
  const leafVectors = await withBackend(served.leafVectors, backend);
  await writer.exclusive(async () => {
    refuseUnchanged(entry.name, writer.meta.backend, backend);
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
    void views.show(served, pending.descriptor());
  });
}

function refuseUnchanged(name: string, present: Backend, wanted: Backend): void {
  if (present === wanted) throw new ServiceError('storage_unchanged', { name, backend: wanted });
}
