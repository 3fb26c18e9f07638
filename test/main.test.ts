// The process as an operator starts it. Runs the compiled service in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { DataDirectory } from '../src/storage/data-directory.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));

/** How the service ends on a directory that it cannot use, and what it says. */
async function refusalOf(t: Test, dataDir: string): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, [MAIN], { env: { PORT: '0', DATA_DIR: dataDir } });
  t.teardown(() => child.kill());
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      text += data;
    });
  }
  const [code] = await once(child, 'close');
  return { code, text };
}

test('a data directory that cannot be used ends the start with one line that says what to do', async (t) => {
  const file = join(t.testdir(), 'file');
  writeFileSync(file, '');
  const catalogFile = join(t.testdirName, 'catalog-file');
  mkdirSync(catalogFile);
  writeFileSync(join(catalogFile, 'catalog'), '');
  const lockFolder = join(t.testdirName, 'lock-folder');
  mkdirSync(join(lockFolder, 'lock'), { recursive: true });
  for (const [dataDir, reason] of [
    [file, 'ENOTDIR'],
    [join(file, 'below'), 'ENOTDIR'],
    [catalogFile, 'EEXIST'],
    [lockFolder, 'EISDIR'],
  ] as const) {
    const { code, text } = await refusalOf(t, dataDir);
    t.equal(code, 1, dataDir);
    t.match(
      text,
      /^coppice: cannot use [^\n]* set DATA_DIR to a directory that this process may write to\n$/,
    );
    t.match(text, `cannot use ${dataDir} for the data (${reason} in `);
  }
});

test('a data directory that another process has ends the start with one line that names it', async (t) => {
  const dataDir = t.testdir();
  const taken = await DataDirectory.open(dataDir);
  t.teardown(() => taken.close());
  const { code, text } = await refusalOf(t, dataDir);
  t.equal(code, 1);
  t.equal(
    text,
    `coppice: ${dataDir} is in use by process ${pid}; stop that one, or set DATA_DIR to another directory.\n`,
  );
});

test('a fault of the machine code ends the process at once', async (t) => {
  const child = spawn(process.execPath, [MAIN], { env: { PORT: '0', DATA_DIR: t.testdir() } });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  await new Promise<void>((resolve) => {
    let log = '';
    child.stdout.on('data', (lines) => {
      log += lines;
      // Its last line of the start.
      if (log.includes('no API keys are set')) resolve();
    });
  });
  // As the kernel does where a mapped file was cut off: a handler would return to the fault for ever.
  child.kill('SIGBUS');
  t.same(await ended, [null, 'SIGBUS']);
});
