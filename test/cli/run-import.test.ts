// The command against a real service, which listens.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { type Test, test } from 'tap';
import { runImport } from '../../src/cli/run-import.js';
import { fixture } from '../arrow/streams.js';
import { type Service, someVectors, startService } from '../http/service.js';
import { arrowStream, fvecsFile, ndjsonFile, npyFile } from './vector-files.js';

const DIMENSION = 3;
const VECTORS = someVectors(250, DIMENSION).map((vector) => [...Float32Array.from(vector)]);

interface Listening extends Service {
  url: string;
}

async function listening(t: Test, environment: Record<string, string> = {}): Promise<Listening> {
  const service = await startService(t, environment);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  return { ...service, url: `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}` };
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function importing(
  args: string[],
  {
    stdin = Buffer.of(),
    isTTY = false,
    environment = {},
  }: { stdin?: Uint8Array; isTTY?: boolean; environment?: Record<string, string> } = {},
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY })];
  const input = Readable.from([stdin], { objectMode: false });
  const code = await runImport(args, { environment, stdin: input, stdout, stderr });
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

function fileOf(t: Test, name: string, bytes: Uint8Array | string): string {
  const path = join(t.testdir(), name);
  writeFileSync(path, bytes);
  return path;
}

async function vectorOf(
  { ask }: Service,
  collection: string,
  id: number | string,
): Promise<number[] | undefined> {
  const { body } = await ask(`GET /v1/collections/${collection}/points/${id}?encoding=base64`);
  if (body.vector === undefined) return undefined;
  return [...new Float32Array(Uint8Array.from(Buffer.from(body.vector, 'base64')).buffer)];
}

const countOf = async ({ ask }: Service, collection: string): Promise<number> =>
  (await ask(`POST /v1/collections/${collection}/points/count`, {})).body.count;

test('files of every format are stored whole, each row under its number', async (t) => {
  const service = await listening(t);
  const files: [string, Uint8Array | string][] = [
    ['one.npy', npyFile(VECTORS)],
    ['two.npy', npyFile(VECTORS, { version: 2, descr: '<f8' })],
    ['three.npy', npyFile(VECTORS, { version: 3 })],
    ['rows.fvecs', fvecsFile(VECTORS)],
    ['lines.ndjson', ndjsonFile(VECTORS)],
    ['unended.jsonl', ndjsonFile(VECTORS).trimEnd()],
    ['table.arrows', arrowStream(VECTORS)],
  ];
  for (const [name, bytes] of files) {
    const collection = name.replace('.', '-');
    const args = [
      fileOf(t, name, bytes),
      '--collection',
      collection,
      '--url',
      service.url,
      '--create',
      '--batch',
      '70',
    ];
    const { code, stdout, stderr } = await importing(args);
    t.equal(code, 0, `${name} ${stderr}`);
    t.match(stdout, /^imported in \d+\.\d s: 250 points, [\d,]+ points\/s\n$/);
    t.equal(await countOf(service, collection), VECTORS.length, name);
    for (const row of [0, 69, 70, 249])
      t.same(await vectorOf(service, collection, row), VECTORS[row], `${name} ${row}`);
  }
  t.same((await service.ask('GET /v1/collections/lines-ndjson')).body.metric, 'cosine');
  t.same((await service.ask('GET /v1/collections/lines-ndjson/points/17')).body.payload, { row: 17 });
});

test('what comes through a pipe is stored as the file would be', async (t) => {
  const service = await listening(t);
  const inputs = {
    npy: npyFile(VECTORS),
    fvecs: fvecsFile(VECTORS),
    ndjson: Buffer.from(ndjsonFile(VECTORS)),
  };
  for (const [format, stdin] of Object.entries(inputs)) {
    const args = [
      '-',
      '--format',
      format,
      '--collection',
      format,
      '--url',
      service.url,
      '--create',
      '--metric',
      'l2',
    ];
    t.equal((await importing(args, { stdin })).code, 0, format);
    t.equal(await countOf(service, format), VECTORS.length);
  }
});

test('an Arrow file, its stream and both through a pipe are the same, however they are cut', async (t) => {
  const service = await listening(t);
  const { ask, url } = service;
  const expected = [];
  for (const [name, piped, batch] of [
    ['everything.arrow', false, 1000],
    ['everything.arrow', true, 1],
    ['everything.arrows', false, 3],
    ['everything.arrows', true, 6],
  ] as const) {
    const bytes = fixture(name);
    const source = piped ? ['-', '--format', 'arrow'] : [fileOf(t, name, bytes)];
    const args = [...source, '--collection', 'c', '--url', url, '--create', '--batch', String(batch)];
    const { code, stderr } = await importing(args, { stdin: piped ? bytes : Buffer.of() });
    t.equal(code, 0, stderr);
    t.equal(await countOf(service, 'c'), 6);
    const points = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((row) => ask(`GET /v1/collections/c/points/%C3%A9${row}`)),
    );
    expected.push(points.map(({ body }) => body));
    t.same(expected.at(-1), expected[0], `${name}, ${batch} rows a request`);
    await ask('DELETE /v1/collections/c');
  }
  t.match(expected[0]?.[4], { id: 'é4', payload: { view: 'é'.repeat(20), word: 'b', nested: [[4]] } });
});

test('ids may be moved, columns named', async (t) => {
  const service = await listening(t);
  const at = ['--collection', 'c', '--url', service.url, '--create'];
  t.equal((await importing([fileOf(t, 'a.npy', npyFile(VECTORS)), ...at, '--id-offset', '1000'])).code, 0);
  t.same(await vectorOf(service, 'c', 1249), VECTORS[249]);
  t.equal(await vectorOf(service, 'c', 249), undefined);
  const table = fileOf(t, 'b.arrows', fixture('everything.arrows'));
  t.equal((await importing([table, ...at, '--id-column', 'uint16'])).code, 0);
  t.match((await service.ask('GET /v1/collections/c/points/65535')).body, { payload: { id: 'é0' } });
});

test('a service that asks for patience gets each request again, after as long as it asked for', async (t) => {
  const service = await listening(t);
  const refusals = [
    [429, '0'],
    [503, '0'],
    [503, 'Tue, 24 Nov 2026 12:00:00 GMT'],
  ] as const;
  let calls = 0;
  const proxy = createServer(async (request, response) => {
    const refusal = refusals[calls++];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (refusal)
      return response
        .writeHead(refusal[0], { 'retry-after': refusal[1] })
        .end('{"code":"busy","detail":"Busy."}');
    const answer = await fetch(service.url + request.url, {
      method: 'POST',
      headers: { 'content-type': request.headers['content-type'] as string },
      body: Buffer.concat(chunks),
    });
    return response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => proxy.close());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const file = fileOf(t, 'a.npy', npyFile(VECTORS));
  const args = [file, '--collection', 'c', '--url', url, '--create', '--concurrency', '1', '--batch', '100'];
  const { code, stderr } = await importing(args);
  t.equal(code, 0);
  t.match(stderr, /429 busy: Busy\. Trying again in 0 s\.\n503 .* in 0 s\.\n503 .* in 1 s\.\n/);
  t.equal(await countOf(service, 'c'), VECTORS.length);
  calls = 0;
  const impatient = await importing([...args, '--retries', '2']);
  t.equal(impatient.code, 1);
  t.equal(impatient.stderr.split('\n').at(-2), 'coppice import: 503 busy: Busy.');
});

test('a service that is not there is told with its address', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  const args = [fileOf(t, 'a.npy', npyFile(VECTORS)), '--collection', 'c', '--url', url, '--retries', '0'];
  const { code, stderr } = await importing(args);
  t.equal(code, 1);
  t.equal(stderr, `coppice import: no answer from ${url} (ECONNREFUSED)\n`);
});

test('a bad point is told with its place in the whole input, and with what is stored', async (t) => {
  const service = await listening(t);
  await service.ask('POST /v1/collections', { name: 'c', dimension: DIMENSION, metric: 'cosine' });
  const at = ['--collection', 'c', '--url', service.url, '--batch', '100', '--concurrency', '1'];
  const bad = VECTORS.map((vector, row) => (row === 217 ? [0, 0, 0] : vector));
  const lines = await importing([fileOf(t, 'a.ndjson', ndjsonFile(bad)), ...at]);
  t.equal(lines.code, 1);
  t.match(
    lines.stderr,
    /^coppice import: 400 malformed_ndjson: .* line 218: vector: .*; 200 points were stored before\n$/,
  );
  const rows = await importing([fileOf(t, 'a.npy', npyFile(bad)), ...at]);
  t.equal(rows.code, 1);
  t.match(
    rows.stderr,
    /^coppice import: 422 zero_vector: .* rows\[217\]\.vector: .*; 200 points were stored before\n$/,
  );
  const skipped = await importing([fileOf(t, 'b.npy', npyFile(bad)), ...at, '--on-error', 'skip']);
  t.equal(skipped.code, 0);
  t.match(skipped.stdout, /: 249 points, .*, 1 left out\n$/);
  t.match(skipped.stderr, /^left out rows\[217\]\.vector: A zero vector/);
});

test('files that are not what they should be are refused with what to do', async (t) => {
  const service = await listening(t);
  const whole = npyFile(VECTORS);
  const uneven = fvecsFile([
    [1, 2, 3],
    [1, 2],
  ]);
  const cases: [string, Uint8Array | string, RegExp][] = [
    ['a.npy', 'no array', /is no \.npy array/],
    ['b.npy', npyFile(VECTORS, { descr: '<i8' }), /holds <i8; convert it by \.astype\('<f4'\)/],
    ['c.npy', npyFile(VECTORS, { descr: '>f4' }), /holds >f4/],
    ['d.npy', npyFile(VECTORS, { fortranOrder: true }), /np\.ascontiguousarray/],
    ['e.npy', npyFile(VECTORS, { shape: '(250,)' }), /does not have two dimensions/],
    ['f.npy', npyFile(VECTORS, { shape: '(2, 250, 3)' }), /does not have two dimensions/],
    ['g.npy', whole.subarray(0, whole.length - 5), /ends within row 249/],
    ['h.npy', whole.subarray(0, whole.length - 12), /ends after 249 of 250 rows/],
    ['i.npy', Buffer.concat([whole, Buffer.of(0)]), /goes on after its 250 rows/],
    ['j.npy', npyFile(VECTORS, { shape: '(3, 99999)' }), /vectors of 99999 numbers cannot be stored/],
    ['k.npy', Buffer.from('\x93NUMPY\x09\x00', 'latin1'), /version 9 is not known/],
    ['a.fvecs', '', /the file is empty/],
    ['b.fvecs', uneven, /ends within row 1/],
    ['c.fvecs', Buffer.concat([uneven, Buffer.alloc(4)]), /row 1 has 2 numbers, the first row has 3/],
    ['a.arrow', 'no Arrow', /not a valid Arrow IPC stream/],
    ['b.arrow', fixture('everything.arrows').subarray(0, -20), /ends within a message/],
    ['c.arrow', fixture('empty.arrows'), /has no points/],
    ['a.ndjson', '', /has no points/],
    ['b.ndjson', `{"id":1,"vector":"${'x'.repeat(2 ** 20)}"}`, /a line has more than 1048576 bytes/],
  ];
  for (const [name, bytes, message] of cases) {
    const args = [
      fileOf(t, name, bytes),
      '--collection',
      'c',
      '--url',
      service.url,
      '--create',
      '--dimension',
      '3',
    ];
    const { code, stderr, stdout } = await importing(args);
    t.equal(code, 1, name);
    t.match(stderr, message, name);
    t.match(stderr, /^coppice import: [^\n]+\n$/, name);
    t.equal(stdout, '');
  }
  const missing = await importing([join(t.testdir(), 'none.npy'), '--collection', 'c']);
  t.match(missing.stderr, /^coppice import: .*none\.npy cannot be read \(ENOENT\)\n$/);
  t.match(await importing(['a.npy', '--collection', 'c', '--url', service.url]), { code: 1 });
});

test('wrong options are told with exit code 2, help with 0', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /give one FILE/],
    [['a.npy', 'b.npy', '--collection', 'c'], /give one FILE/],
    [['a.npy'], /give --collection NAME/],
    [['-', '--collection', 'c'], /give --format, one of ndjson, arrow, npy, fvecs/],
    [['a.csv', '--collection', 'c'], /give --format/],
    [['a.npy', '--collection', 'c', '--format', 'csv'], /--format is one of/],
    [['a.npy', '--collection', 'c', '--batch', '0'], /--batch takes an integer from 1 to 10000/],
    [['a.npy', '--collection', 'c', '--batch', '1e3'], /--batch takes an integer/],
    [
      ['a.npy', '--collection', 'c', '--metric', 'hamming'],
      /--metric is one of cosine, l2, dot, not hamming/,
    ],
    [['a.npy', '--collection', 'c', '--url', 'localhost'], /--url takes an http or https address/],
    [['a.npy', '--collection', 'c', '--color'], /'--color'/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await importing(args);
    t.equal(code, 2, args.join(' '));
    t.match(stderr, message);
    t.match(stderr, /try coppice import --help\n$/);
  }
  const help = await importing(['--help']);
  t.equal(help.code, 0);
  t.match(help.stdout, /^coppice import FILE --collection NAME/);
  const service = await listening(t);
  const lists = fileOf(t, 'lists.arrows', fixture('lists.arrows'));
  const unknown = await importing([lists, '--collection', 'c', '--url', service.url, '--create']);
  t.match(unknown, { code: 2, stderr: /give --dimension N/ });
});

test('an API key is taken from the option, or from the environment', async (t) => {
  const service = await listening(t, { API_KEYS: 'secret:admin' });
  const args = [fileOf(t, 'a.npy', npyFile(VECTORS)), '--collection', 'c', '--url', service.url, '--create'];
  t.match(await importing(args), { code: 1, stderr: /401 unauthorized/ });
  t.equal((await importing([...args, '--api-key', 'secret'])).code, 0);
  t.equal((await importing(args, { environment: { COPPICE_API_KEY: 'secret' } })).code, 0);
});

test('a terminal gets a bar with rate and time left, anything else lines', async (t) => {
  const { url } = await listening(t);
  const args = [
    fileOf(t, 'a.npy', npyFile(VECTORS)),
    '--collection',
    'c',
    '--url',
    url,
    '--create',
    '--batch',
    '50',
  ];
  const terminal = await importing(args, { isTTY: true });
  t.equal(terminal.code, 0);
  t.match(terminal.stderr, /%/);
  t.equal((await importing(args)).stderr, '', 'too soon for a line');
});
