// Entry of the ingest pool's threads: parses and checks large bodies, so that the event loop is not held up.

import { parsePointLines } from '../contract/point-lines.js';
import { parsePoints } from '../contract/point-batch.js';
import { parseSearches } from '../contract/search.js';
import type { IngestTask, Reply } from './messages.js';
import { replyWith } from './replies.js';

export default function runIngestTask(task: IngestTask): Promise<Reply<unknown>> {
  return replyWith(() => {
    if (task.kind === 'points') return parsePoints(task.body, task.shape);
    if (task.kind === 'lines') return parsePointLines(task.body, task.firstLine, task.shape);
    return parseSearches(task.body);
  });
}
