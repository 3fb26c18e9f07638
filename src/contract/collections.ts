// Requests and replies about collections as a whole. Runs on any thread.

import { z } from 'zod';
import { COLLECTION_NAME_CHARS_MAX, DIMENSION_MAX, DIMENSION_MIN } from '../limits.js';
import { backend, indexDescription, indexSettings, metric } from './index-settings.js';

export const collectionName = z
  .string()
  .max(COLLECTION_NAME_CHARS_MAX)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
    'A name starts with a letter or digit and goes on with letters, digits, _ . or -',
  )
  .meta({
    description: 'Letters, digits, `_`, `.` and `-`; the first is a letter or a digit.',
    examples: ['words'],
  });

export const createCollection = z
  .strictObject({
    name: collectionName,
    dimension: z
      .int()
      .min(DIMENSION_MIN)
      .max(DIMENSION_MAX)
      .describe('Numbers of each vector; it cannot change.'),
    metric,
    storage: backend.default('mmap'),
    index: indexSettings.default({}),
  })
  .meta({
    id: 'CreateCollection',
    examples: [{ name: 'words', dimension: 100, metric: 'cosine' }],
  });
export type CreateCollection = z.output<typeof createCollection>;

export const collectionDescription = z
  .strictObject({
    name: z.string(),
    dimension: z.int(),
    metric,
    storage: z.strictObject({ backend, is_using_mmap: z.boolean(), vectors_bytes: z.int() }),
    index: indexDescription,
    points_count: z.int(),
    indexed_count: z.int().describe('Points in the current generation of the index.'),
    pending_count: z.int().describe('Points inserted since the last build; searches find them too.'),
    deleted_count: z.int().describe('Deleted or replaced vectors whose place the next build gives back.'),
    memory: z
      .strictObject({
        tree_bytes: z.int(),
        codes_bytes: z.int(),
        ids_bytes: z.int(),
        vectors_bytes: z.int().describe('Full vectors in RAM: 0 for mmap, the page cache is not counted.'),
        total_bytes: z.int(),
        anonymous_bytes: z
          .int()
          .describe('RAM that stays taken while the collection is served: the four kinds above.'),
        mapped_bytes: z
          .int()
          .describe(
            'Vector files that are mapped: what was read of them is in the page cache, which gives way.',
          ),
      })
      .describe('RAM the collection holds.'),
    disk_bytes: z.int(),
  })
  .meta({ id: 'Collection' });
export type CollectionDescription = z.output<typeof collectionDescription>;

export const collectionList = z
  .strictObject({ collections: z.array(collectionDescription) })
  .meta({ id: 'CollectionList' });

export const convertStorage = z
  .strictObject({ backend })
  .meta({ id: 'ConvertStorage', examples: [{ backend: 'memory' }] });
