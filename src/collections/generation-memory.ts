// What a generation takes in RAM, known before any of it is allocated. Runs on any thread.

import { wholePages } from '../index/allocate-memory.js';
import { layOutCodes } from '../index/code-memory.js';
import { CodeScratch } from '../index/code-scratch.js';
import { MaskArea } from '../index/mask-area.js';
import { type LayoutCounts, layOut, NO_COUNTS } from '../index/memory-layout.js';
import { RowSlots } from '../index/row-slots.js';
import { Scratch } from '../index/scratch.js';
import type { IndexSettings } from '../index/settings.js';

export interface GenerationShape {
  settings: IndexSettings;
  slots: number;
  leaves: number;
  rowBase: number;
  layout: { end: number };
  codeMemories: readonly { end: number }[];
}

/**
 * All of it at its largest, without pending rows. Each thread that has searched it leaves a scratch area in it: those of
 * the search pool, and those of its build, which calibrated it.
 */
export function generationBytes(shape: GenerationShape, threads: number): number {
  const { settings, slots, leaves, rowBase, layout, codeMemories } = shape;
  const masks = wholePages(MaskArea.bytesFor(slots, leaves));
  const scratch = wholePages(Scratch.bytesFor(settings, leaves, codeMemories.length)) + masks;
  const codeScratch = wholePages(CodeScratch.bytesFor(settings)) + masks;
  return codeMemories.reduce(
    (sum, { end }) => sum + wholePages(end) + threads * codeScratch,
    wholePages(layout.end) + threads * scratch + RowSlots.bytesFor(rowBase, slots),
  );
}

/** The generation that a build makes, or will make. */
export function builtShape(settings: IndexSettings, counts: LayoutCounts, rowBase: number): GenerationShape {
  const { slots, leaves } = counts;
  const codeMemories = counts.codeMemories.map((other) => layOutCodes(settings, other));
  return { settings, slots, leaves, rowBase, layout: layOut(settings, counts), codeMemories };
}

/** Generation 0. */
export function emptyShape(settings: IndexSettings, rowBase: number): GenerationShape {
  return builtShape(settings, NO_COUNTS, rowBase);
}
