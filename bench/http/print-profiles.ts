// Where the threads of a service spend their time, read off V8's CPU profiles.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { recordTable } from '../report.js';

const IDLE = new Set(['(idle)', '(program)', '(root)']);

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** One table a thread: `shown` functions by their own time, as a share of the time that the thread was at work. */
export function printProfiles(paths: string[], shown: number): void {
  for (const path of paths) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as Profile;
    const places = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    const microseconds = new Map<string, number>();
    let worked = 0;
    for (const [index, id] of samples.entries()) {
      const { functionName, url, lineNumber } = places.get(id) as Profile['nodes'][number]['callFrame'];
      if (IDLE.has(functionName)) continue;
      const place = `${functionName || '(anonymous)'} ${shortUrl(url)}${url && `:${lineNumber + 1}`}`;
      const spent = timeDeltas[index] ?? 0;
      worked += spent;
      microseconds.set(place, (microseconds.get(place) ?? 0) + spent);
    }
    const top = [...microseconds].sort(([, a], [, b]) => b - a).slice(0, shown);
    console.log(`${basename(path)}: ${(worked / 1e6).toFixed(2)} s at work`);
    console.log(recordTable(top.map(([place, spent]) => ({ percent: (100 * spent) / worked, place }))));
  }
}

function shortUrl(url: string): string {
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/dist\//, '');
}
