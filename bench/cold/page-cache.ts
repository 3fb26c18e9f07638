// Empties the page cache of single files, and holds this process to a limit of memory, page cache included.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { collectGarbage } from '../../src/workers/collect-garbage.js';

const MOUNT = '/sys/fs/cgroup/memory';

/** Unmaps what is no longer referenced, as mapped pages stay, and drops the pages of the files. @throws without GNU dd */
export async function dropPages(paths: string[]): Promise<void> {
  collectGarbage();
  // Collected maps are given back in a later turn.
  await setImmediate();
  for (const path of paths) {
    const { status, stderr } = spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
    if (status !== 0) throw new Error(`the page cache cannot be emptied: ${stderr ?? 'there is no dd'}`);
  }
}

/** Why `withMemoryLimit` cannot work here; undefined if it can. */
export function noMemoryLimit(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root';
  return ownGroup() === undefined ? 'it needs the memory controller of cgroup v1' : undefined;
}

/** Runs `work` with this process in a group of `bytes`, made below its own; what it holds already does not count. */
export async function withMemoryLimit<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
  const own = ownGroup() as string;
  const limited = join(own, `coppice-bench-${process.pid}`);
  mkdirSync(limited);
  try {
    writeFileSync(join(limited, 'memory.limit_in_bytes'), String(bytes));
    writeFileSync(join(limited, 'cgroup.procs'), String(process.pid));
    return await work();
  } finally {
    writeFileSync(join(own, 'cgroup.procs'), String(process.pid));
    rmdirSync(limited);
  }
}

/** Directory of this process's memory group. */
function ownGroup(): string | undefined {
  const path = /^\d+:memory:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  return path === undefined ? undefined : join(MOUNT, path);
}
