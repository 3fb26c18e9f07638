// The process as an operator starts it. Runs the compiled service in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { pid } from 'node:process';
import { setTimeout } from 'node:timers/promises';
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

test('a stop lets running requests end, and waits for no kept connection after them', async (t) => {
  const child = spawn(process.execPath, [MAIN], { env: { PORT: '0', DATA_DIR: t.testdir() } });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const origin = await new Promise<string>((resolve) => {
    let log = '';
    child.stdout.on('data', (lines) => {
      log += lines;
      const [, address] = /Server listening at (http:\/\/[\d.:]+)/.exec(log) ?? [];
      if (address !== undefined && log.includes('no API keys are set')) resolve(address);
    });
  });
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const ask = (path: string, body: object) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      request(`${origin}/v1/collections${path}`, { method: 'POST', agent, headers }, (reply) => {
        reply.resume().on('end', () => resolve(reply));
      })
        .on('error', reject)
        .end(JSON.stringify(body));
    });
  await ask('', { name: 'c', dimension: 8, metric: 'l2' });
  const points = Array.from({ length: 4000 }, (_, id) => ({
    id,
    vector: Array.from({ length: 8 }, (_, i) => ((id * 31 + i * 17) % 101) + id / 4000),
  }));
  t.equal((await ask('/c/points', { points })).statusCode, 200);
  const building = ask('/c/build?wait=true', {});
  await setTimeout(300);
  child.kill('SIGTERM');
  const reply = await building;
  t.equal(reply.statusCode, 200);
  t.equal(reply.headers.connection, 'close');
  const startedMs = performance.now();
  t.same(await ended, [0, null]);
  t.ok(performance.now() - startedMs < 5000, 'long before the grace is over');
});
