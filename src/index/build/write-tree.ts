// Fills the fixed regions of a new generation: centroids, the codes of the tree's nodes, the leaf table. Runs on the leader of a build.

import { storeVector } from '../../contract/stored-vector.js';
import type { Kernels } from '../../kernels/kernels.js';
import { BLOCK_VECTORS, LEAF, LEAF_WORDS, METRIC_NUMBER, PRECISION_NUMBER } from '../../kernels/layout.js';
import { growMemory } from '../allocate-memory.js';
import type { Generation } from '../generation.js';
import { type LevelLayout, NODE_ENTRY_BYTES } from '../memory-layout.js';
import { medianOf, writeOrigin } from '../origin.js';
import { blockBytes, centroidBytes, codeDimension, nodeBlockBytes } from '../settings.js';
import type { ArenaViews } from './arena-views.js';
import type { Blueprint } from './blueprint.js';

/** Nodes of a level whose median is the centre of its codes. */
const CENTRE_NODES_MAX = 512;

/** Writes everything but codes and slot rows. */
export function writeTree(
  generation: Generation,
  kernels: Kernels,
  arena: ArenaViews,
  blueprint: Blueprint,
): void {
  writeOrigin(generation, kernels, arena.origin);
  const scratch = growMemory(generation.memory, 2 * codeDimension(generation.settings.dimension) * 4);
  const centroids = writeCentroids(generation, kernels, arena, blueprint, scratch);
  writeLeafTable(generation, blueprint);
  writeCentroidNorms(generation, centroids);
  writeNodes(generation, kernels, centroids, blueprint, scratch);
}

/** Rotates and stores the leaf centroids; returns them as they are stored, `codeDimension` floats each. */
function writeCentroids(
  generation: Generation,
  kernels: Kernels,
  arena: ArenaViews,
  blueprint: Blueprint,
  scratch: number,
): Float32Array {
  const { layout, settings, memory } = generation;
  const dim = codeDimension(settings.dimension);
  const bytes = centroidBytes(settings);
  const stored = new Uint8Array(memory.buffer, layout.centroids, blueprint.leafNodes.length * bytes);
  const rotated = new Float32Array(memory.buffer, scratch, dim);
  const centroids = new Float32Array(blueprint.leafNodes.length * dim);
  blueprint.leafNodes.forEach((node, leaf) => {
    rotated.set(arena.floats(arena.centroidAddress(node), dim));
    kernels.rotate(scratch, dim, layout.signs);
    storeVector(rotated, 'int8', stored, leaf * bytes);
    kernels.decodeRow(layout.centroids + leaf * bytes, dim, PRECISION_NUMBER.int8, scratch);
    centroids.set(rotated, leaf * dim);
  });
  return centroids;
}

function writeLeafTable(generation: Generation, blueprint: Blueprint): void {
  const { layout, settings, memory } = generation;
  const words = LEAF_WORDS;
  const table = new Uint32Array(memory.buffer, layout.leafTable, blueprint.leafSizes.length * words);
  let blocks = layout.codes;
  let firstPosition = 0;
  blueprint.leafSizes.forEach((size, leaf) => {
    const other = generation.codeMemoryOf(firstPosition);
    if (other?.firstSlot === firstPosition) blocks = other.codes;
    const tombstones = other?.tombstones ?? layout.tombstones;
    table.set(
      [blocks, size, firstPosition, tombstones, firstPosition - (other?.firstSlot ?? 0)],
      leaf * words,
    );
    blocks += Math.ceil(size / BLOCK_VECTORS) * blockBytes(settings);
    firstPosition += size;
  });
}

/** Lengths of the centroids themselves, which are stored relative to the origin. */
function writeCentroidNorms({ layout, memory, settings, leaves }: Generation, centroids: Float32Array): void {
  const dim = codeDimension(settings.dimension);
  const origin = new Float32Array(memory.buffer, layout.rotatedOrigin, dim);
  const table = new Float32Array(memory.buffer, layout.leafTable, leaves * LEAF_WORDS);
  for (let leaf = 0; leaf < leaves; leaf++) {
    let square = 0;
    for (let i = 0; i < dim; i++)
      square += ((centroids[leaf * dim + i] as number) + (origin[i] as number)) ** 2;
    table[leaf * LEAF_WORDS + LEAF.centroidNorm / 4] = Math.sqrt(square);
  }
}

/** Codes of every level's nodes, as residuals to a common centre; a node above the leaves is the mean of its children. */
function writeNodes(
  generation: Generation,
  kernels: Kernels,
  centroids: Float32Array,
  blueprint: Blueprint,
  scratch: number,
): void {
  const { layout, memory } = generation;
  const dim = codeDimension(generation.settings.dimension);
  let vectors = centroids;
  let sizes: ArrayLike<number> = blueprint.leafSizes;
  encodeLevel(generation, kernels, layout.levels[0] as LevelLayout, vectors, scratch);
  blueprint.levels.forEach((level, i) => {
    const { childrenAddress } = layout.levels[i + 1] as LevelLayout;
    const table = new Uint32Array(
      memory.buffer,
      childrenAddress,
      level.firstChild.length * (NODE_ENTRY_BYTES / 4),
    );
    const parents = new Float32Array(level.firstChild.length * dim);
    const parentSizes = level.firstChild.map((firstChild, node) => {
      const childCount = level.childCount[node] as number;
      table.set([firstChild, childCount, level.leafCount[node] as number, 0], node * (NODE_ENTRY_BYTES / 4));
      return averageInto(
        parents.subarray(node * dim, (node + 1) * dim),
        vectors,
        sizes,
        firstChild,
        childCount,
      );
    });
    vectors = parents;
    sizes = parentSizes;
    encodeLevel(generation, kernels, layout.levels[i + 1] as LevelLayout, vectors, scratch);
  });
}

/** Writes the mean of the children, weighted by size, and returns their size together. */
function averageInto(
  target: Float32Array,
  vectors: Float32Array,
  sizes: ArrayLike<number>,
  first: number,
  count: number,
): number {
  const dim = target.length;
  let total = 0;
  for (let child = first; child < first + count; child++) total += sizes[child] as number;
  for (let child = first; child < first + count; child++) {
    const share = (sizes[child] as number) / total;
    for (let i = 0; i < dim; i++)
      target[i] = (target[i] as number) + share * (vectors[child * dim + i] as number);
  }
  return total;
}

/**
 * Nodes are ranked by distance, for `dot` by angle (their vectors, from 0 and not from the origin, are taken at unit
 * length): ranked by inner product a few nodes of large norm would come first for every query. The residuals' centre
 * cancels out of the ranking; it is a median, as one node far away would move the mean.
 */
function encodeLevel(
  generation: Generation,
  kernels: Kernels,
  level: LevelLayout,
  vectors: Float32Array,
  scratch: number,
): void {
  const { settings, memory, layout } = generation;
  const dim = codeDimension(settings.dimension);
  const residual = new Float32Array(memory.buffer, scratch, dim);
  const centre = new Float32Array(memory.buffer, scratch + dim * 4, dim);
  const origin = new Float32Array(memory.buffer, layout.rotatedOrigin, dim);
  const load = (node: number): void => {
    residual.set(vectors.subarray(node * dim, (node + 1) * dim));
    if (settings.metric !== 'dot') return;
    for (let i = 0; i < dim; i++) residual[i] = (residual[i] as number) + (origin[i] as number);
    kernels.normalize(scratch, dim);
  };
  const looked = Math.min(level.count, CENTRE_NODES_MAX);
  const nodes = new Float32Array(looked * dim);
  for (let i = 0; i < looked; i++) {
    load(Math.floor(((i + 0.5) * level.count) / looked));
    nodes.set(residual, i * dim);
  }
  centre.set(medianOf(nodes, looked, dim));
  const bytes = nodeBlockBytes(settings);
  for (let node = 0; node < level.count; node++) {
    load(node);
    kernels.subtract(scratch, scratch + dim * 4, scratch, dim);
    const block = level.blocksAddress + Math.floor(node / BLOCK_VECTORS) * bytes;
    const lane = node % BLOCK_VECTORS;
    kernels.encode(
      scratch,
      scratch + dim * 4,
      dim,
      settings.dimension,
      settings.bits,
      METRIC_NUMBER[settings.metric],
      block,
      lane,
    );
  }
}
