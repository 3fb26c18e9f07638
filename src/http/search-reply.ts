// The serializer of search replies. Main thread.

import type { SearchResult, SearchStats } from '../contract/search.js';
import type { Encoding } from './params.js';
import { PointsWriter } from './points-text.js';

export async function writeSearchReply(
  reply: { results: SearchResult[]; stats?: SearchStats | undefined },
  encoding: Encoding,
): Promise<string> {
  const results = await new PointsWriter(encoding).write(reply.results);
  const stats = reply.stats === undefined ? '' : `,"stats":${JSON.stringify(reply.stats)}`;
  return `{"results":${results}${stats}}`;
}

export async function writeBatchReply(lists: SearchResult[][], encoding: Encoding): Promise<string> {
  const writer = new PointsWriter(encoding);
  const texts: string[] = [];
  for (const list of lists) texts.push(await writer.write(list));
  return `{"results":[${texts.join(',')}]}`;
}
