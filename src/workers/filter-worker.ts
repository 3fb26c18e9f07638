// Entry of the filter thread: keeps the payload indexes of collections and answers filters. Tasks begin in the order they
// come in, and those that read many payloads let others go on in between.

import { openRowTable } from '../storage/row-table.js';
import type { FilterTask, IndexedKey, Reply } from './messages.js';
import { PointFilters } from './point-filters.js';
import { replyWith } from './replies.js';
import { maskOfRows } from './row-mask.js';

/** Those that are being opened, too: tasks that come behind an opening wait for it, in their order. */
const collections = new Map<string, Promise<PointFilters>>();

export default async function runFilterTask(task: FilterTask): Promise<Reply<unknown>> {
  const { collection } = task;
  const known = collections.get(collection);
  if (task.kind === 'open') {
    const opening = open(known, task.path, task.indexes);
    collections.set(collection, opening);
    // What could not be opened is not known.
    opening.catch(() => {
      if (collections.get(collection) === opening) collections.delete(collection);
    });
    return replyWith(async () => {
      await opening;
    });
  }
  if (known === undefined) return { ok: false, collectionUnknown: true };
  if (task.kind === 'close') collections.delete(collection);
  return replyWith(async () => run(await known, task));
}

async function open(
  before: Promise<PointFilters> | undefined,
  path: string,
  indexes: IndexedKey[],
): Promise<PointFilters> {
  const replaced = await before?.catch(() => undefined);
  await replaced?.close();
  return new PointFilters(path, indexes);
}

async function run(filters: PointFilters, task: Exclude<FilterTask, { kind: 'open' }>): Promise<unknown> {
  switch (task.kind) {
    case 'close':
      return filters.close();
    case 'change':
      return filters.change(task.changes);
    case 'set_index':
      return filters.setIndex({ key: task.key, type: task.type });
    case 'drop_index':
      return filters.dropIndex(task.key);
    case 'describe':
      return filters.describe();
    case 'mask': {
      const { rows, unindexedKeys } = await filters.rows(task.filter);
      const { slotRows, ...places } = task.places;
      const mask = maskOfRows(task.maskKey, rows, filters.rowEnd, {
        ...places,
        slotRows: () => openRowTable(slotRows),
      });
      return { mask, unindexedKeys };
    }
    case 'count':
      return filters.count(task.filter);
    case 'rows':
      return filters.rows(task.filter);
    case 'ids':
      return filters.ids(task.rows);
    case 'page':
      return filters.page(task.filter, task.after, task.limit);
    case 'facet':
      return filters.facet(task.key, task.filter, task.limit);
  }
}
