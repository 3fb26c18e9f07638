// The anonymous memory of another process, as Linux counts it: what no other process and no page cache can take back.

import { readFileSync } from 'node:fs';

const SAMPLE_MS = 20;

/** Bytes of RssAnon: heaps, stacks and shared WebAssembly memories, without mapped files. */
export function anonymousBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Runs `work` and watches; returns what was there before and the most meanwhile, and what the work returned. */
export async function peakDuring<Result>(
  pid: number,
  work: () => Promise<Result>,
): Promise<{ beforeBytes: number; peakBytes: number; result: Result }> {
  const beforeBytes = anonymousBytes(pid);
  let peakBytes = beforeBytes;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, anonymousBytes(pid));
  }, SAMPLE_MS);
  try {
    return { result: await work(), beforeBytes, peakBytes };
  } finally {
    clearInterval(timer);
  }
}
