// Stores an NDJSON body block by block: one block is parsed by a worker while the one before is stored. Main thread.

import type { PointBatch } from '../contract/point-batch.js';
import type { PointLines } from '../contract/point-lines.js';
import { type Issue, ServiceError } from '../errors.js';
import { ERROR_ISSUES_MAX } from '../limits.js';

export interface LineIngest {
  /** Parses a block; lines are counted from 1 in each. */
  parse(block: Uint8Array): Promise<PointLines>;
  store(batch: PointBatch): Promise<{ sequence: number }>;
  /** skip: leave bad lines out. stop: end before the first block that has one. */
  onError: 'skip' | 'stop';
}

/** What was stored so far; right at any moment, also after a failure. */
export interface IngestProgress {
  upserted: number;
  /** Of the last block stored; 0 where none was. */
  sequence: number;
  rejected: number;
  errors: Issue[];
  /** Lines of the blocks that were dealt with. */
  lines: number;
}

export function noProgress(): IngestProgress {
  return { upserted: 0, sequence: 0, rejected: 0, errors: [], lines: 0 };
}

/**
 * Stores all blocks in order, at most two in hand at a time; `progress` is kept up to date.
 * @throws malformed_ndjson where a line is bad and onError is stop; what storing throws
 */
export async function ingestLines(
  blocks: AsyncIterable<Uint8Array>,
  ingest: LineIngest,
  progress: IngestProgress,
): Promise<void> {
  let parsed: Promise<PointLines> | undefined;
  for await (const block of blocks) {
    const next = ingest.parse(block);
    // If storing the block before it fails, nobody waits for this one.
    next.catch(() => {});
    if (parsed !== undefined) await settleBlock(await parsed, ingest, progress);
    parsed = next;
  }
  if (parsed !== undefined) await settleBlock(await parsed, ingest, progress);
}

async function settleBlock(block: PointLines, ingest: LineIngest, progress: IngestProgress): Promise<void> {
  const errors = block.errors.map(({ line, message }) => ({
    path: `line ${progress.lines + line}`,
    message,
  }));
  progress.lines += block.lineCount;
  if (block.rejected > 0 && ingest.onError === 'stop') {
    throw new ServiceError('malformed_ndjson', { count: block.rejected, stored: progress.upserted }, errors);
  }
  progress.rejected += block.rejected;
  progress.errors.push(...errors.slice(0, ERROR_ISSUES_MAX - progress.errors.length));
  if (block.batch.count === 0) return;
  const { sequence } = await ingest.store(block.batch);
  progress.upserted += block.accepted;
  progress.sequence = sequence;
}
