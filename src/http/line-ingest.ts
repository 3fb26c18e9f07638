// NDJSON as blocks to store. Main thread.

import { type PointLines, parsePointLines } from '../contract/point-lines.js';
import { ServiceError } from '../errors.js';
import { INLINE_PARSE_BYTES_MAX, NDJSON_BLOCK_BYTES, NDJSON_LINE_BYTES_MAX } from '../limits.js';
import type { InsertStream } from './insert-stream.js';
import { lineBlocks } from './line-blocks.js';
import type { BlockFormat } from './stream-ingest.js';

const BLOCK_LIMITS = { blockBytes: NDJSON_BLOCK_BYTES, lineBytesMax: NDJSON_LINE_BYTES_MAX };

/** One point a line; a bad line is named by its number, from 1. */
export function lineFormat({
  chunks,
  shape,
  ingest,
  query,
}: InsertStream): BlockFormat<Uint8Array, PointLines> {
  let linesBefore = 0;
  return {
    blocks: lineBlocks(chunks, BLOCK_LIMITS),
    parse: async (block) => {
      if (block.length <= INLINE_PARSE_BYTES_MAX) return parsePointLines(block, 1, shape);
      return ingest.parsePointLines(block, 1, shape);
    },
    issuesOf: ({ errors, rejected, lineCount }, stored) => {
      const issues = errors.map(({ line, message }) => ({ path: `line ${linesBefore + line}`, message }));
      linesBefore += lineCount;
      if (rejected > 0 && query.on_error === 'stop') {
        throw new ServiceError('malformed_ndjson', { count: rejected, stored }, issues);
      }
      return issues;
    },
  };
}
