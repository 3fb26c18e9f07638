// What Linux tells of a process: processor time and memory. NaN elsewhere.

import { readFileSync } from 'node:fs';

/** Of utime and stime in /proc/PID/stat; the kernel's unit towards programs, whatever its own clock is. */
const TICKS_PER_SECOND = 100;
const UTIME_AFTER_NAME = 11;

/** Processor time of all threads so far. */
export function processorSeconds(pid: number): number {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME_AFTER_NAME]) + Number(fields[UTIME_AFTER_NAME + 1])) / TICKS_PER_SECOND;
}

/** Memory that is no cache of a file: what the process needs whatever the system does. */
export function anonymousBytes(pid: number): number {
  const of = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))?.[1]);
  return (of('RssAnon') + of('RssShmem')) * 1024;
}

/** Watches `anonymousBytes` until told to stop; answers the peak. */
export function watchAnonymousBytes(pid: number): () => number {
  const WATCH_MS = 50;
  let peak = anonymousBytes(pid);
  const timer = setInterval(() => {
    peak = Math.max(peak, anonymousBytes(pid));
  }, WATCH_MS);
  return () => {
    clearInterval(timer);
    return peak;
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
