// Searches whose time is measured. On node:http, because `fetch` alone takes as long as a search.

import { Agent, type IncomingMessage, request } from 'node:http';
import type { SearchRequest, SearchResponse } from './coppice-client.js';

export interface TimedSearches {
  /** Ids found by each search, in order. */
  found: string[][];
  p50Ms: number;
  p99Ms: number;
  qps: number;
}

/** Runs all searches over `connections` kept connections, each one after the other. @throws on an answer that is no 200 */
export async function timeSearches(
  origin: string,
  name: string,
  searches: SearchRequest[],
  connections = 1,
): Promise<TimedSearches> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const url = `${origin}/v1/collections/${encodeURIComponent(name)}/search`;
  const bodies = searches.map((search) => JSON.stringify(search));
  const found: string[][] = new Array(searches.length);
  const times: number[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < bodies.length; index = next++) {
      const startedMs = performance.now();
      const text = await post(url, agent, bodies[index] as string);
      times.push(performance.now() - startedMs);
      found[index] = (JSON.parse(text) as SearchResponse).results.map(({ id }) => String(id));
    }
  };
  const startedMs = performance.now();
  try {
    await Promise.all(Array.from({ length: connections }, work));
  } finally {
    agent.destroy();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { found, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), qps: searches.length / seconds };
}

export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function post(url: string, agent: Agent, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      readAll(response).then((text) => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
      }, reject);
    });
    call.once('error', reject);
    call.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}
