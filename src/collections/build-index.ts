// A build from the main thread's side: what goes into it, and the switch to what it made. Searches and writes go on
// meanwhile. A crash at any instant leaves the old generation or the new one.

import { isDeepStrictEqual } from 'node:util';
import { rowBytes } from '../contract/stored-vector.js';
import type { IndexSettings } from '../index/settings.js';
import { fsyncDirectory } from '../storage/files.js';
import { collectWhenIdle } from '../workers/collect-when-idle.js';
import type { LoadedGeneration } from '../workers/generation-files.js';
import type { BuildJob } from './build-job.js';
import { buildInput, planBuild, sizeOfBuild } from './build-plan.js';
import type { CollectionParts } from './collection-parts.js';
import { clearTombstones, markTombstones } from './dead-rows.js';
import { generationBytes } from './generation-memory.js';
import { saveSlotRows } from './generation-rows.js';
import type { MemoryClaim } from './memory-budget.js';
import { vectorsBytes } from './reserve-rows.js';
import { ServedGeneration } from './served-generation.js';

/**
 * Builds an index of all points and switches to it.
 * @throws build_canceled, memory_full, and what the disk fails with; the old generation serves on then
 */
export async function buildIndex(
  parts: CollectionParts,
  job: BuildJob,
  settings: IndexSettings,
): Promise<void> {
  const { services, entry, views, writer } = parts;
  const directory = services.directory.generationPath(entry.id, job.generation);
  const before = views.current.served.number;
  const claim = services.memory.claim();
  services.buildClaims.add(claim);
  /** Built, but not yet the collection's. */
  let spare: ServedGeneration | undefined;
  let mayBeNamed = false;
  try {
    await services.disk.claim(planBuild(parts, settings).size.diskBytes);
    const rowEnd = await sealRows(parts);
    const loaded = await views.use(({ view }) =>
      services.buildPool.build({
        source: view,
        rowEnd,
        settings,
        directory,
        control: job.control,
        canceled: job.canceled,
        reserve: async (shape, counts) => {
          claim.resize(
            sizeOfBuild(buildInput(parts, { settings, shape, counts, rowBase: rowEnd })).claimBytes,
          );
          await services.memory.settled();
        },
      }),
    );
    const built = await prepare(parts, job, loaded, { directory, claim });
    spare = built;
    const gone = await writer.exclusive(async () => {
      job.beginSwitch();
      const rows = await catchUp(parts, built);
      // Once the commit was tried the generation may be the one that counts, whatever the commit reports.
      mayBeNamed = true;
      await writer.commit({
        put: [],
        removeRows: [],
        removeKeys: [],
        meta: { ...writer.meta, generation: built.number, rowBase: rowEnd },
      });
      const old = takeOver(parts, built, claim);
      spare = undefined;
      const unused = views.show(built, parts.pending.descriptor());
      void removeOld(parts, unused, before, rowEnd).finally(() => {
        for (const unusedClaim of old) unusedClaim.release(collectWhenIdle());
      });
      return rows;
    });
    parts.encoder.wake();
    await clearTombstones(writer, gone, services.log);
    await keepSettings(parts, settings).catch((error) => {
      services.log.warn(
        { collection: entry.name, error },
        'settings of this build are not kept for the next',
      );
    });
  } catch (error) {
    if (!mayBeNamed) await services.directory.removeGeneration(entry.id, job.generation).catch(() => {});
    spare?.claim.release(collectWhenIdle());
    throw error;
  } finally {
    services.buildClaims.delete(claim);
    claim.release(collectWhenIdle());
  }
}

/** The new generation's vectors are the collection's; returns what the old index and its vectors held until now. */
function takeOver(
  { views, writer, entry, vectorClaim }: CollectionParts,
  next: ServedGeneration,
  claim: MemoryClaim,
): MemoryClaim[] {
  const old = vectorClaim.split(vectorClaim.bytes);
  if (writer.meta.backend === 'memory') {
    const all = vectorsBytes(next, writer.meta.nextRow, rowBytes(entry));
    const built = Math.min(claim.bytes, next.generation.slots * rowBytes(entry));
    claim.resize(claim.bytes - built);
    old.resize(old.bytes - Math.min(old.bytes, all - built));
    vectorClaim.resize(all);
  }
  return [old, views.current.served.claim];
}

/** Rows appended from now on go into new files; returns the first of them, where the build ends. */
function sealRows({ writer, pending }: CollectionParts): Promise<number> {
  return writer.exclusive(async () => {
    await pending.roll();
    return writer.meta.nextRow;
  });
}

/** Everything about the new generation that can be done while the old one serves and rows come in. */
async function prepare(
  { writer, services, paths, entry }: CollectionParts,
  job: BuildJob,
  loaded: LoadedGeneration,
  { directory, claim }: { directory: string; claim: MemoryClaim },
): Promise<ServedGeneration> {
  const { backend } = writer.meta;
  const { generation, facts } = loaded;
  const threads = services.searchPool.threads + (facts.threads ?? 0);
  const generationClaim = claim.split(generationBytes(generation, threads));
  const vectors = backend === 'memory' ? loaded.generation.slots * rowBytes(entry) : 0;
  // The arena: another build may wait for it.
  claim.split(Math.max(0, claim.bytes - vectors)).release(collectWhenIdle());
  try {
    await saveSlotRows(directory, loaded.generation.slotRows);
    await fsyncDirectory(directory);
    await fsyncDirectory(paths.generations);
    services.log.info({ generation: job.generation, slots: loaded.generation.slots }, 'index written');
    return await ServedGeneration.of(job.generation, loaded, backend, generationClaim);
  } catch (error) {
    generationClaim.release(collectWhenIdle());
    throw error;
  }
}

/** The new generation learns what was inserted, replaced and deleted since its build began; nothing is written meanwhile. */
async function catchUp({ writer, store }: CollectionParts, next: ServedGeneration): Promise<number[]> {
  next.claimRows(writer.meta.nextRow);
  next.publish(writer.meta.nextRow);
  return markTombstones(next, store);
}

/** Gives back the files of the old generation when the last search on it has ended; what fails is left to the next start. */
async function removeOld(
  { services, entry, pending, diskUsage }: CollectionParts,
  unused: Promise<void>,
  generation: number,
  rowBase: number,
): Promise<void> {
  try {
    await unused;
    await pending.dropBefore(rowBase);
    // Its vectors may have been in memory.
    void collectWhenIdle();
    if (generation > 0) await services.directory.removeGeneration(entry.id, generation);
    await diskUsage.measure();
  } catch (error) {
    services.log.warn(
      { collection: entry.name, generation, error },
      'old index files remain until the next start',
    );
  }
}

/** The settings hold for later builds, too, also if this generation should get lost. */
async function keepSettings({ services, entry }: CollectionParts, settings: IndexSettings): Promise<void> {
  if (isDeepStrictEqual(entry.index, settings)) return;
  entry.index = settings;
  await services.keepEntry(entry);
}
