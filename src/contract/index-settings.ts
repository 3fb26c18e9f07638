// The metric, the backend, the precision and the parameters of the index, as they stand in requests and replies. Runs on any thread.

import { z } from 'zod';
import {
  BRANCHING_FACTOR_DEFAULT,
  BRANCHING_FACTOR_MAX,
  BRANCHING_FACTOR_MIN,
  ITERATIONS_DEFAULT,
  ITERATIONS_MAX,
  ITERATIONS_MIN,
  LEAF_SIZE_DEFAULT,
  LEAF_SIZE_DEFAULT_NARROW,
  LEAF_SIZE_MAX,
  LEAF_SIZE_MIN,
} from '../limits.js';

export const metric = z.enum(['l2', 'cosine', 'dot']).meta({
  id: 'Metric',
  description:
    'l2: Euclidean distance, smaller is nearer. cosine: similarity, larger is nearer. dot: inner product, larger is nearer.',
});
export type Metric = z.output<typeof metric>;

export const backend = z.enum(['mmap', 'memory']).meta({
  id: 'Backend',
  description: 'Where full vectors are read from: memory-mapped files, or a copy in RAM.',
});
export type Backend = z.output<typeof backend>;

export const precision = z.enum(['float32', 'float16', 'int8']).meta({
  id: 'Precision',
  description:
    'How the numbers of full vectors are kept: 4, 2 or 1 bytes each, float16 and int8 with a scale for each vector. What is ' +
    'kept is what searches compare with and what is given back.',
});
export type Precision = z.output<typeof precision>;

const quantizer = z
  .enum(['rabitq', 'sign'])
  .describe(
    'rabitq: residual codes with an error bound (default). sign: one sign bit a dimension, Hamming distance.',
  );
const bits = z
  .literal([1, 2, 4])
  .describe('Bits of code a dimension; the default is chosen by the dimension. sign has 1.');

export const indexSettings = z
  .strictObject({
    branching_factor: z
      .int()
      .min(BRANCHING_FACTOR_MIN)
      .max(BRANCHING_FACTOR_MAX)
      .optional()
      .describe(`Children of an inner node of the tree; default ${BRANCHING_FACTOR_DEFAULT}.`),
    max_leaf_size: z
      .int()
      .min(LEAF_SIZE_MIN)
      .max(LEAF_SIZE_MAX)
      .optional()
      .describe(
        `Vectors a leaf holds at most; default ${LEAF_SIZE_DEFAULT}, below 256 dimensions ${LEAF_SIZE_DEFAULT_NARROW}.`,
      ),
    max_iterations: z
      .int()
      .min(ITERATIONS_MIN)
      .max(ITERATIONS_MAX)
      .optional()
      .describe(`Rounds of k-means a node at most; default ${ITERATIONS_DEFAULT}.`),
    quantizer: quantizer.optional(),
    bits: bits.optional(),
  })
  .superRefine((value, context) => {
    if (value.quantizer !== 'sign' || value.bits === undefined || value.bits === 1) return;
    context.addIssue({
      code: 'custom',
      path: ['bits'],
      message: 'The sign quantizer has 1 bit a dimension',
      input: value.bits,
    });
  })
  .meta({
    id: 'IndexSettings',
    examples: [{ branching_factor: 64, max_leaf_size: 512, quantizer: 'rabitq', bits: 2 }],
  });
export type IndexSettingsInput = z.output<typeof indexSettings>;

export const indexDescription = z.strictObject({
  state: z
    .enum(['none', 'building', 'ready'])
    .describe('none: no index was built yet; searches are exact or by codes.'),
  generation: z.int().describe('Counts the builds; 0 before the first.'),
  leaves: z.int(),
  depth: z.int(),
  built_at: z.iso.datetime().optional(),
  build_seconds: z.number().optional(),
  branching_factor: z.int(),
  max_leaf_size: z.int(),
  max_iterations: z.int(),
  quantizer,
  bits,
  calibration: z
    .strictObject({
      queries: z.int().describe('Stored vectors that served as queries, each left out of its own answer.'),
      efforts: z.array(
        z.strictObject({
          k: z.int(),
          target_recall: z.number(),
          recall: z.number().describe('As measured.'),
          recall_low: z.number().describe('Lower end of the 95 % confidence interval.'),
          recall_high: z.number(),
          probes: z.number().describe('Leaves scanned a query, on average.'),
          vectors_scanned: z.number().describe('Codes scanned a query, on average.'),
          candidates: z.int().describe('Vectors kept for exact comparison, at most.'),
        }),
      ),
    })
    .optional()
    .describe('What the build measured: the recall of each effort. Absent where there are too few vectors.'),
});
