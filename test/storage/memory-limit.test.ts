import t, { type Test } from 'tap';
import { findMemoryLimit } from '../../src/storage/memory-limit.js';

const MACHINE = 64 * 2 ** 30;
/** Version 1 says "no limit" by this number. */
const NO_LIMIT = '9223372036854771712\n';

const V2_MOUNT = '30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n';
const V1_MOUNT = '36 30 0:31 / /sys/fs/cgroup/memory rw,nosuid shared:12 - cgroup cgroup rw,memory\n';

type Files = { [name: string]: string | Files };

/** A root directory with these files of the control groups. */
function limitOn(t: Test, { groups, mounts, files }: { groups: string; mounts: string; files: Files }) {
  const root = t.testdir({
    proc: { self: { cgroup: groups, mountinfo: `25 1 8:1 / / rw - ext4 /dev/vda rw\n${mounts}` } },
    sys: { fs: { cgroup: files } },
  });
  return findMemoryLimit(root, MACHINE);
}

t.test('the limit of the own group counts, in version 2', async (t) => {
  const limit = limitOn(t, {
    groups: '0::/coppice.slice/app.service\n',
    mounts: V2_MOUNT,
    files: {
      'coppice.slice': {
        'memory.max': 'max\n',
        'app.service': { 'memory.max': '536870912\n' },
      },
    },
  });
  t.strictSame(limit, {
    bytes: 512 * 2 ** 20,
    source: '/sys/fs/cgroup/coppice.slice/app.service/memory.max',
  });
});

t.test('a lower limit of a group above counts as well', async (t) => {
  const limit = limitOn(t, {
    groups: '0::/coppice.slice/app.service\n',
    mounts: V2_MOUNT,
    files: {
      'coppice.slice': {
        'memory.max': '268435456\n',
        'app.service': { 'memory.max': '536870912\n' },
      },
    },
  });
  t.match(limit, { bytes: 256 * 2 ** 20, source: /coppice.slice\/memory.max$/ });
});

t.test('a container that sees its own group as the root has its limit', async (t) => {
  const own = limitOn(t, { groups: '0::/\n', mounts: V2_MOUNT, files: { 'memory.max': '1073741824\n' } });
  t.equal(own.bytes, 2 ** 30, 'version 2');
  const old = limitOn(t, {
    groups: '5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/docker/abc\n',
    mounts: V1_MOUNT.replace(' / /sys', ' /docker/abc /sys'),
    files: { memory: { 'memory.limit_in_bytes': '1073741824\n' } },
  });
  t.equal(old.bytes, 2 ** 30, 'version 1, with the path of the host');
  const hidden = limitOn(t, {
    groups: '4:memory:/docker/abc\n',
    mounts: V1_MOUNT,
    files: { memory: { 'memory.limit_in_bytes': '2147483648\n' } },
  });
  t.equal(hidden.bytes, 2 ** 31, 'version 1, with a path that is not mounted');
});

t.test('without a limit it is what the machine has', async (t) => {
  const expected = { bytes: MACHINE, source: 'total RAM' };
  const nested = {
    memory: { 'memory.limit_in_bytes': NO_LIMIT, app: { 'memory.limit_in_bytes': NO_LIMIT } },
  };
  t.strictSame(limitOn(t, { groups: '4:memory:/app\n', mounts: V1_MOUNT, files: nested }), expected);
  t.strictSame(
    limitOn(t, { groups: '0::/\n', mounts: V2_MOUNT, files: { 'memory.max': 'max\n' } }),
    expected,
  );
  t.strictSame(findMemoryLimit(t.testdir({}), MACHINE), expected, 'no /proc at all');
});
