// The engines Coppice is compared with: packages of their own, installed into .cache when a benchmark first wants them,
// since together they are larger than all that the service needs.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const LIST = join('bench', 'peers');
const INSTALLED = join('.cache', 'peers');
const REBUILT = join('.cache', 'peers-native');
const NATIVE_FLAGS = '-O3 -march=native';
const HNSWLIB_PACKAGES = ['hnswlib-node', 'bindings', 'file-uri-to-path', 'node-addon-api'];

export interface PeerPackages {
  load<Package>(name: string): Package;
  version(name: string): string;
}

/** As the registry has them. */
export async function installPeers(say: (text: string) => void): Promise<PeerPackages> {
  const stamp = `${readFileSync(join(LIST, 'package-lock.json'), 'utf8')} ${process.versions.modules} ${process.arch}`;
  if (!isStamped(INSTALLED, stamp)) {
    say(`installing the packages of ${LIST} into ${INSTALLED} (220 MB, once)`);
    await rm(INSTALLED, { recursive: true, force: true });
    await mkdir(INSTALLED, { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) {
      await cp(join(LIST, name), join(INSTALLED, name));
    }
    // Not `npm ci`: the lock holds only those of LanceDB's optional packages that the registry had for its author.
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: INSTALLED });
    await writeFile(join(INSTALLED, 'stamp'), stamp);
  }
  return packagesIn(INSTALLED);
}

/**
 * hnswlib-node compiled for this machine's instructions: its own build has no AVX code.
 * Undefined, with a message, where that does not succeed.
 */
export async function rebuildHnswlib(say: (text: string) => void): Promise<PeerPackages | undefined> {
  const stamp = readFileSync(join(INSTALLED, 'stamp'), 'utf8') + NATIVE_FLAGS;
  if (!isStamped(REBUILT, stamp)) {
    say(`compiling hnswlib-node with ${NATIVE_FLAGS} in ${REBUILT}`);
    await rm(REBUILT, { recursive: true, force: true });
    for (const name of HNSWLIB_PACKAGES) {
      const path = join('node_modules', name);
      await cp(join(INSTALLED, path), join(REBUILT, path), { recursive: true });
    }
    const { allowScripts } = JSON.parse(readFileSync(join(LIST, 'package.json'), 'utf8'));
    const dependencies = { 'hnswlib-node': packagesIn(INSTALLED).version('hnswlib-node') };
    await writeFile(
      join(REBUILT, 'package.json'),
      JSON.stringify({ private: true, dependencies, allowScripts }),
    );
    try {
      const env = { ...process.env, CXXFLAGS: NATIVE_FLAGS };
      await run('npm', ['rebuild', 'hnswlib-node', '--loglevel=error'], { cwd: REBUILT, env });
    } catch (error) {
      say(`hnswlib-node could not be compiled here and is left out: ${(error as Error).message}`);
      return undefined;
    }
    await writeFile(join(REBUILT, 'stamp'), stamp);
  }
  return packagesIn(REBUILT);
}

function isStamped(folder: string, stamp: string): boolean {
  const path = join(folder, 'stamp');
  return existsSync(path) && readFileSync(path, 'utf8') === stamp;
}

function packagesIn(folder: string): PeerPackages {
  const load = createRequire(resolve(folder, 'package.json'));
  return {
    load: (name) => load(name),
    version: (name) =>
      (
        JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
          version: string;
        }
      ).version,
  };
}
