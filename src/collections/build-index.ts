// A build from the main thread's side: what goes into it, and the switch to what it made. Searches and writes go on
// meanwhile. A crash at any instant leaves the old generation or the new one.

import { isDeepStrictEqual } from 'node:util';
import { type RowShape, rowBytes } from '../contract/stored-vector.js';
import type { IndexSettings } from '../index/settings.js';
import { fsyncDirectory } from '../storage/files.js';
import { collectWhenIdle } from '../workers/collect-when-idle.js';
import type { LoadedGeneration } from '../workers/generation-files.js';
import type { BuildJob } from './build-job.js';
import type { CollectionParts } from './collection-parts.js';
import { clearTombstones, markTombstones } from './dead-rows.js';
import { saveSlotRows } from './generation-rows.js';
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
  let mayBeNamed = false;
  try {
    await services.disk.claim(writer.meta.pointsCount * bytesPerPoint(entry));
    const rowEnd = await sealRows(parts);
    const loaded = await views.use(({ view }) =>
      services.buildPool.build({
        source: view,
        rowEnd,
        settings,
        directory,
        control: job.control,
        canceled: job.canceled,
      }),
    );
    const next = await prepare(parts, job, loaded, directory);
    const gone = await writer.exclusive(async () => {
      job.beginSwitch();
      const rows = await catchUp(parts, next);
      // Once the commit was tried the generation may be the one that counts, whatever the commit reports.
      mayBeNamed = true;
      await writer.commit({
        put: [],
        removeRows: [],
        removeKeys: [],
        meta: { ...writer.meta, generation: next.number, rowBase: rowEnd },
      });
      const unused = views.show(next, parts.pending.descriptor());
      void removeOld(parts, unused, before, rowEnd);
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
    throw error;
  }
}

/** What a point takes in the files of a generation: its vector, its code, its share of the tree. */
function bytesPerPoint(shape: RowShape): number {
  return rowBytes(shape) + shape.dimension + 64;
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
  { writer, services, paths }: CollectionParts,
  job: BuildJob,
  loaded: LoadedGeneration,
  directory: string,
): Promise<ServedGeneration> {
  await saveSlotRows(directory, loaded.generation.slotRows);
  await fsyncDirectory(directory);
  await fsyncDirectory(paths.generations);
  services.log.info({ generation: job.generation, slots: loaded.generation.slots }, 'index written');
  return ServedGeneration.of(job.generation, loaded, writer.meta.backend);
}

/** The new generation learns what was inserted, replaced and deleted since its build began; nothing is written meanwhile. */
async function catchUp({ writer, store }: CollectionParts, next: ServedGeneration): Promise<number[]> {
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
