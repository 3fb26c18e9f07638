// The serializer of search replies. Main thread.

import type { SearchGroup, SearchResponse } from '../contract/search.js';
import type { Encoding } from './params.js';
import { PointsWriter } from './points-text.js';

export async function writeSearchReply(
  { results, groups, stats, warnings }: SearchResponse,
  encoding: Encoding,
): Promise<string> {
  const writer = new PointsWriter(encoding);
  const parts = [`"results":${await writer.write(results)}`];
  if (groups !== undefined) parts.push(`"groups":${await writeGroups(writer, groups)}`);
  if (stats !== undefined) parts.push(`"stats":${JSON.stringify(stats)}`);
  if (warnings !== undefined) parts.push(`"warnings":${JSON.stringify(warnings)}`);
  return `{${parts.join(',')}}`;
}

async function writeGroups(writer: PointsWriter, groups: readonly SearchGroup[]): Promise<string> {
  const texts: string[] = [];
  for (const { value, results } of groups) {
    texts.push(`{"value":${JSON.stringify(value)},"results":${await writer.write(results)}}`);
  }
  return `[${texts.join(',')}]`;
}

export async function writeBatchReply(answers: SearchResponse[], encoding: Encoding): Promise<string> {
  const writer = new PointsWriter(encoding);
  const texts: string[] = [];
  for (const { results } of answers) texts.push(await writer.write(results));
  const warnings = [...new Set(answers.flatMap((answer) => answer.warnings ?? []))];
  const said = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : '';
  return `{"results":[${texts.join(',')}]${said}}`;
}
