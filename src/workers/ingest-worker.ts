// Entry of the ingest pool's threads: parses and checks large bodies, so that the event loop is not held up.

import { parseArrowPoints } from '../contract/arrow-points.js';
import { type PointBatch, parsePoints } from '../contract/point-batch.js';
import { parsePointLines } from '../contract/point-lines.js';
import { parseRecall } from '../contract/recall.js';
import { parseSearches } from '../contract/search.js';
import type { IngestTask, Reply } from './messages.js';
import { movedReply } from './moved-reply.js';
import { replyWith } from './replies.js';

export default async function runIngestTask(task: IngestTask): Promise<Reply<unknown>> {
  switch (task.kind) {
    case 'points': {
      const reply = await replyWith(() => parsePoints(joined(task.blocks), task.shape));
      return reply.ok ? movedReply(reply, buffersOf(reply.value)) : reply;
    }
    case 'lines': {
      const reply = await replyWith(() => parsePointLines(task.block, task.firstLine, task.shape));
      return reply.ok ? movedReply(reply, buffersOf(reply.value.batch)) : reply;
    }
    case 'arrow': {
      const reply = await replyWith(() => parseArrowPoints(task.arrow, task.shape));
      return reply.ok ? movedReply(reply, buffersOf(reply.value.batch)) : reply;
    }
    case 'searches':
      return replyWith(() => parseSearches(joined(task.blocks)));
    case 'recall': {
      const reply = await replyWith(() => parseRecall(joined(task.blocks)));
      return reply.ok
        ? movedReply(
            reply,
            (reply.value.vectors ?? []).map(({ buffer }) => buffer),
          )
        : reply;
    }
  }
}

function joined(blocks: Uint8Array[]): Uint8Array {
  const [first] = blocks;
  return first && blocks.length === 1 ? first : Buffer.concat(blocks);
}

function buffersOf({ vectors, checksums, payloads }: PointBatch): ArrayBufferLike[] {
  return [vectors.buffer, checksums.buffer, payloads.bytes.buffer, payloads.ends.buffer];
}
