// The serializer of search replies: no schema walk, and it makes way for other requests while it writes long ones. Main thread.

import { setImmediate } from 'node:timers/promises';
import type { SearchResult, SearchStats } from '../contract/search.js';
import type { Encoding } from './params.js';
import { scoreText, vectorText } from './vector-text.js';

/** Floats written between two turns of the event loop: about a millisecond. */
const FLOATS_PER_TURN = 4096;
/** Payloads are small; this many results are written in one turn. */
const RESULTS_PER_TURN = 100;

export async function writeSearchReply(
  reply: { results: SearchResult[]; stats?: SearchStats | undefined },
  encoding: Encoding,
): Promise<string> {
  const results = await new ReplyWriter(encoding).write(reply.results);
  const stats = reply.stats === undefined ? '' : `,"stats":${JSON.stringify(reply.stats)}`;
  return `{"results":${results}${stats}}`;
}

export async function writeBatchReply(lists: SearchResult[][], encoding: Encoding): Promise<string> {
  const writer = new ReplyWriter(encoding);
  const texts: string[] = [];
  for (const list of lists) texts.push(await writer.write(list));
  return `{"results":[${texts.join(',')}]}`;
}

/** Counts its work over all lists of one reply. */
class ReplyWriter {
  readonly #encoding: Encoding;
  #work = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  async write(results: readonly SearchResult[]): Promise<string> {
    const texts: string[] = [];
    for (const result of results) {
      texts.push(this.#result(result));
      this.#work += FLOATS_PER_TURN / RESULTS_PER_TURN + (result.vector?.length ?? 0);
      if (this.#work < FLOATS_PER_TURN) continue;
      this.#work = 0;
      await setImmediate();
    }
    return `[${texts.join(',')}]`;
  }

  #result({ id, score, payload, vector }: SearchResult): string {
    const payloadText = payload === undefined ? '' : `,"payload":${JSON.stringify(payload)}`;
    const vectorPart = vector === undefined ? '' : `,"vector":${vectorText(vector, this.#encoding)}`;
    return `{"id":${JSON.stringify(id)},"score":${scoreText(score)}${payloadText}${vectorPart}}`;
  }
}
