// From the clustered points to the shape of the new generation: leaves in tree order, levels, slots. Runs on the leader of a build.

import { BLOCK_VECTORS } from '../../kernels/layout.js';
import { INDEX_MEMORY_BYTES_MAX } from '../../limits.js';
import { divideCodes } from '../code-memory.js';
import type { LayoutCounts } from '../memory-layout.js';
import type { IndexSettings } from '../settings.js';
import type { ArenaViews } from './arena-views.js';
import { groupBy } from './group.js';

/** One level of the tree above the leaves, as parallel columns. */
export interface BlueprintLevel {
  /** Place of the first child in the level below. */
  firstChild: number[];
  childCount: number[];
  /** Leaves below each node. */
  leafCount: number[];
}

/** What the main thread needs to allocate the generation, and the encoders to fill it. Plain data. */
export interface Blueprint {
  slots: number;
  /** Vectors of each leaf. */
  leafSizes: Uint32Array;
  /** The arena's node of each leaf, where its centroid is. */
  leafNodes: Uint32Array;
  /** The levels above the leaves, from the bottom up; none if there is only the root. */
  levels: BlueprintLevel[];
}

/** No memory of the generation shall be larger than `memoryBytesMax`. */
export function layoutCounts(
  { slots, leafSizes, levels }: Blueprint,
  settings: IndexSettings,
  memoryBytesMax: number = INDEX_MEMORY_BYTES_MAX,
): LayoutCounts {
  const leaves = leafSizes.length;
  const levelCounts = [leaves, ...levels.map((level) => level.firstChild.length)];
  const blocks = leafSizes.map((size) => Math.ceil(size / BLOCK_VECTORS));
  return divideCodes(settings, { slots, leaves, levelCounts }, { sizes: leafSizes, blocks }, memoryBytesMax);
}

/** Numbers the leaves that hold vectors in tree order, rewrites `assignment` to those numbers and fills `slotOrder`. */
export function drawBlueprint(views: ArenaViews): Blueprint {
  const { assignment, children, shape } = views;
  const sizes = new Uint32Array(shape.nodesMax);
  for (const node of assignment) sizes[node] = (sizes[node] as number) + 1;

  const tree = liveTree(0, children, sizes);
  if (tree === undefined) throw new Error('a build has points');
  const leafNodes: number[] = [];
  const levels: BlueprintLevel[] = [];
  const depth = depthOf(tree);
  const top = tree.children.length === 0 ? [tree] : tree.children;
  for (const node of top) emit(node, Math.max(0, depth - 1), levels, leafNodes);

  const leafOfNode = new Uint32Array(shape.nodesMax);
  leafNodes.forEach((node, leaf) => {
    leafOfNode[node] = leaf;
  });
  assignment.forEach((node, point) => {
    assignment[point] = leafOfNode[node] as number;
  });
  views.slotOrder.set(groupBy(assignment.slice(), leafNodes.length).order);
  return {
    slots: shape.points,
    leafSizes: Uint32Array.from(leafNodes, (node) => sizes[node] as number),
    leafNodes: Uint32Array.from(leafNodes),
    levels,
  };
}

interface TreeNode {
  node: number;
  children: TreeNode[];
}

/** The tree without nodes that hold nothing. A node that was split after its points had been assigned has its points in its children. */
function liveTree(node: number, children: Uint32Array, sizes: Uint32Array): TreeNode | undefined {
  const first = children[node * 2] as number;
  const count = children[node * 2 + 1] as number;
  if (count === 0) return (sizes[node] as number) > 0 ? { node, children: [] } : undefined;
  const live: TreeNode[] = [];
  for (let child = first; child < first + count; child++) {
    const found = liveTree(child, children, sizes);
    if (found !== undefined) live.push(found);
  }
  if (live.length === 0) return undefined;
  return live.length === 1 ? live[0] : { node, children: live };
}

/** Levels below the node: 0 for a leaf. */
function depthOf(tree: TreeNode): number {
  return tree.children.reduce((depth, child) => Math.max(depth, 1 + depthOf(child)), 0);
}

/** Adds a node at `level`; a leaf that ends higher up gets a chain of single children, so that all levels are complete. */
function emit(tree: TreeNode, level: number, levels: BlueprintLevel[], leafNodes: number[]): number {
  if (level === 0) {
    leafNodes.push(tree.node);
    return 1;
  }
  levels[level - 1] ??= { firstChild: [], childCount: [], leafCount: [] };
  const columns = levels[level - 1] as BlueprintLevel;
  const place = columns.firstChild.length;
  const below = tree.children.length === 0 ? [tree] : tree.children;
  columns.firstChild.push(level === 1 ? leafNodes.length : (levels[level - 2]?.firstChild.length ?? 0));
  columns.childCount.push(below.length);
  columns.leafCount.push(0);
  let leaves = 0;
  for (const child of below) leaves += emit(child, level - 1, levels, leafNodes);
  columns.leafCount[place] = leaves;
  return leaves;
}
