// Stores a body of any length block by block: one block is parsed by a worker while the one before is stored. Main thread.

import type { PointBatch } from '../contract/point-batch.js';
import type { Issue } from '../errors.js';
import { ERROR_ISSUES_MAX } from '../limits.js';
import { releaseBatch } from './release-batch.js';

/** What came of a block. */
export interface ParsedBlock {
  batch: PointBatch;
  /** Good items of the block. */
  accepted: number;
  /** Bad ones. */
  rejected: number;
}

/** A format that comes in blocks. */
export interface BlockFormat<Block, Parsed extends ParsedBlock> {
  blocks: AsyncIterable<Block>;
  /** @throws to end the stream before this block */
  parse(block: Block): Promise<Parsed>;
  /** The bad items of the block after `stored` points. @throws to end the stream before this block */
  issuesOf(parsed: Parsed, stored: number): Issue[];
}

/** What was stored so far; right at any moment, also after a failure. */
export interface IngestProgress {
  upserted: number;
  /** Of the last block stored; 0 where none was. */
  sequence: number;
  rejected: number;
  errors: Issue[];
}

export function noProgress(): IngestProgress {
  return { upserted: 0, sequence: 0, rejected: 0, errors: [] };
}

/**
 * Stores all blocks in order, at most two in hand at a time; `progress` is kept up to date.
 * @throws what reading, parsing and storing throw
 */
export async function ingestBlocks<Block, Parsed extends ParsedBlock>(
  format: BlockFormat<Block, Parsed>,
  store: (batch: PointBatch) => Promise<{ sequence: number }>,
  progress: IngestProgress,
): Promise<void> {
  const settle = async (parsed: Parsed): Promise<void> => {
    const errors = format.issuesOf(parsed, progress.upserted);
    progress.rejected += parsed.rejected;
    progress.errors.push(...errors.slice(0, ERROR_ISSUES_MAX - progress.errors.length));
    if (parsed.batch.count === 0) return;
    const { sequence } = await store(parsed.batch);
    progress.upserted += parsed.accepted;
    progress.sequence = sequence;
    releaseBatch(parsed.batch);
  };
  let parsed: Promise<Parsed> | undefined;
  for await (const block of format.blocks) {
    const next = format.parse(block);
    // If storing the block before it fails, nobody waits for this one.
    next.catch(() => {});
    if (parsed !== undefined) await settle(await parsed);
    parsed = next;
  }
  if (parsed !== undefined) await settle(await parsed);
}
