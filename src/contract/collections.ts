// Requests and replies about collections as a whole. Runs on any thread.

import { z } from 'zod';
import { COLLECTION_NAME_CHARS_MAX, DIMENSION_MAX, DIMENSION_MIN } from '../limits.js';
import {
  type Backend,
  backend,
  indexDescription,
  indexSettings,
  metric,
  type Precision,
  precision,
} from './index-settings.js';

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

const storage = z
  .union(
    [backend, z.strictObject({ backend: backend.default('mmap'), precision: precision.default('float32') })],
    {
      error: storageError,
    },
  )
  .describe('Where full vectors are, and how their numbers are kept; the precision cannot change.');

export const createCollection = z
  .strictObject({
    name: collectionName,
    dimension: z
      .int()
      .min(DIMENSION_MIN)
      .max(DIMENSION_MAX)
      .describe('Numbers of each vector; it cannot change.'),
    metric,
    storage: storage.default('mmap'),
    index: indexSettings.default({}),
  })
  .meta({
    id: 'CreateCollection',
    examples: [
      { name: 'words', dimension: 100, metric: 'cosine' },
      { name: 'pictures', dimension: 768, metric: 'l2', storage: { backend: 'mmap', precision: 'int8' } },
    ],
  });
export type CreateCollection = z.output<typeof createCollection>;

/** Both halves of the `storage` of a request, of which the short form names but one. */
export function storageOf(given: CreateCollection['storage']): { backend: Backend; precision: Precision } {
  return typeof given === 'string' ? { backend: given, precision: 'float32' } : given;
}

function storageError(): string {
  return (
    `storage is ${backend.options.join(' or ')}, or {backend, precision} with a precision of ` +
    `${precision.options.join(', ')}`
  );
}

export const collectionDescription = z
  .strictObject({
    name: z.string(),
    dimension: z.int(),
    metric,
    storage: z.strictObject({ backend, is_using_mmap: z.boolean(), precision, vectors_bytes: z.int() }),
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
        payload_indexes_bytes: z.int().describe('As they were when last measured.'),
        total_bytes: z.int(),
        anonymous_bytes: z
          .int()
          .describe('RAM that stays taken while the collection is served: the five kinds above.'),
        mapped_bytes: z
          .int()
          .describe(
            'Files that are mapped, of vectors and rows: what was read of them is in the page cache, which gives way.',
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
