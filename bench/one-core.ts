// Holds a process to one core, the only bound that every engine keeps whatever threads it starts.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Put before a command, so that it and its threads run on one core; nothing where there is no taskset. */
export function oneCorePrefix(): string[] {
  const core = coresAllowed()?.at(-1);
  if (core === undefined || spawnSync('taskset', ['--version']).status !== 0) return [];
  return ['taskset', '-c', String(core)];
}

/** Numbers of the cores that this process may run on; undefined where the system does not say. */
export function coresAllowed(): number[] | undefined {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined;
  }
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  return list?.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
