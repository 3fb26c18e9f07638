// How much RAM this process may use: the limit of its control group, or of one above it, else what the machine has.
// Read once at start. Main thread.

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';

export interface MemoryLimit {
  bytes: number;
  /** Where the figure comes from: the file of the limit, or `total RAM`. */
  source: string;
}

/** `root` is the root of the file system: another one in tests. */
export function findMemoryLimit(root = '/', machineBytes = totalmem()): MemoryLimit {
  const limits = [{ bytes: machineBytes, source: 'total RAM' }, ...groupLimits(root)];
  return limits.reduce((least, limit) => (limit.bytes < least.bytes ? limit : least));
}

interface Hierarchy {
  mountPoint: string;
  /** The group that the mount shows as its root: a container often sees its own group there. */
  mountRoot: string;
  /** The group of this process. */
  group: string;
  file: string;
}

/** All limits that hold for this process, of both versions of control groups: a group has its own and those above it. */
function groupLimits(root: string): MemoryLimit[] {
  return hierarchies(root).flatMap(({ mountPoint, mountRoot, group, file }) => {
    const below = group.startsWith(mountRoot) ? group.slice(mountRoot.length) : '';
    const limits: MemoryLimit[] = [];
    for (let path = join('/', below); ; path = dirname(path)) {
      const source = join(mountPoint, path, file);
      const bytes = Number.parseInt(textOf(join(root, source)), 10);
      // "max" is no number; version 1 says so by one that no machine has.
      if (bytes > 0) limits.push({ bytes, source });
      if (path === '/') return limits;
    }
  });
}

function hierarchies(root: string): Hierarchy[] {
  const groups = new Map<string, string>();
  for (const line of textOf(join(root, 'proc/self/cgroup')).split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    for (const controller of controllers.split(',')) groups.set(controller, group);
  }
  const found: Hierarchy[] = [];
  for (const line of textOf(join(root, 'proc/self/mountinfo')).split('\n')) {
    // id, parent, device, root, mount point, options..., "-", type, source, options
    const [before = '', after = ''] = line.split(' - ');
    const [, , , mountRoot = '', mountPoint = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    const isMemory = type === 'cgroup' && options.split(',').includes('memory');
    if (type !== 'cgroup2' && !isMemory) continue;
    const group = groups.get(isMemory ? 'memory' : '') ?? '/';
    const file = isMemory ? 'memory.limit_in_bytes' : 'memory.max';
    found.push({ mountPoint, mountRoot: mountRoot === '/' ? '' : mountRoot, group, file });
  }
  return found;
}

/** Empty where there is no such file: other systems have none of them. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
