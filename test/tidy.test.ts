// House rules of the source that no linter has. Runs on the main thread.
import { dirname } from 'node:path';
import t from 'tap';
import { ERROR_CODES } from '../src/errors.js';
import { filesIn, textOf } from './repository.js';

const LINES_MAX = 400;
/** The lock asks whether the process that holds it still lives. */
const MAY_USE_PROCESS = new Set(['src/main.ts', 'src/config.ts', 'src/storage/directory-lock.ts']);
const EMPTY_NAMES = /(?:^|\/)(?:utils?|common|helpers?|misc|[a-z-]*manager|index)\.ts$/;

const serviceFiles = filesIn('src', '.ts');
const codeFiles = [
  ...serviceFiles,
  ...filesIn('test', '.ts'),
  ...filesIn('bench', '.ts'),
  ...filesIn('scripts', '.mjs'),
];
const offenders = (files: string[], offends: (path: string) => boolean): string[] => files.filter(offends);

/** Source without comments and without the insides of plain strings, so that prose in them is not taken for code. */
function codeOf(path: string): string {
  return textOf(path).replaceAll(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\/.*|\/\*[\s\S]*?\*\//g, "''");
}

t.test('no source file is longer than 400 lines', async (t) => {
  t.same(
    offenders(codeFiles, (path) => textOf(path).split('\n').length > LINES_MAX + 1),
    [],
  );
});

t.test('each layer of src says in a README what belongs there', async (t) => {
  const layers = new Set(serviceFiles.flatMap((path) => /^src\/[^/]+(?=\/)/.exec(path)?.[0] ?? []));
  const described = new Set(filesIn('src', 'README.md').map((path) => dirname(path)));
  t.same(
    [...layers].filter((layer) => !described.has(layer)),
    [],
  );
});

t.test('each module of the service says in its first line what it owns', async (t) => {
  t.same(
    offenders(serviceFiles, (path) => !/^(?:#!.*\n)?\/[/*]/.test(textOf(path))),
    [],
  );
});

t.test('only main, config and the lock know the process they run in', async (t) => {
  const knowsProcess = (path: string): boolean =>
    /\bprocess\s*\??\.|\bprocess\[/.test(codeOf(path)) || /from 'node:process'/.test(textOf(path));
  t.same(
    offenders(serviceFiles, (path) => !MAY_USE_PROCESS.has(path) && knowsProcess(path)),
    [],
  );
});

t.test('files are named after what they hold', async (t) => {
  const named = codeFiles.filter((path) => !path.startsWith('src/kernels/assembly/'));
  t.same(
    offenders(named, (path) => EMPTY_NAMES.test(path)),
    [],
  );
});

t.test('nothing is left over: no open ends, no switched-off checks or tests', async (t) => {
  // Each word is broken by a class of one letter, so that this file passes its own test.
  const words = /\b(?:T[O]DO|F[I]XME|X{3}|H[A]CK)\b/;
  const switches = /@ts-(?:ignore|nocheck)|\b(?:t|describe|it|test)\.(?:only|skip|todo)\(/;
  t.same(
    offenders(codeFiles, (path) => words.test(textOf(path)) || switches.test(textOf(path))),
    [],
  );
});

t.test('each error code has an HTTP status, a place in the API document and a test', async (t) => {
  const statusTables = filesIn('src/http', '.ts').filter((path) =>
    /satisfies Record<ErrorCode, number>/.test(textOf(path)),
  );
  t.equal(statusTables.length, 1, 'the compiler holds one table of statuses to the codes');

  const openapi = textOf('openapi/openapi.json');
  const tests = filesIn('test', '.test.ts').map(textOf).join('\n');
  t.same(
    ERROR_CODES.filter((code) => !openapi.includes(`"${code}"`)),
    [],
    'in openapi.json',
  );
  t.same(
    ERROR_CODES.filter((code) => !tests.includes(`'${code}'`)),
    [],
    'in a test',
  );
});

interface Lock {
  version: string;
  packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>;
}

t.test('the lock file is one that npm ci takes on every platform, from any registry', async (t) => {
  const { version, packages } = JSON.parse(textOf('package-lock.json')) as Lock;
  t.equal(version, JSON.parse(textOf('package.json')).version);
  const entries = Object.values(packages);
  t.notOk(
    entries.some((entry) => entry.resolved !== undefined),
    'no host of a registry',
  );
  const locked = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
  const optional = entries.flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  t.same(
    optional.filter((name) => !locked.has(name)),
    [],
    'npm leaves out what it could not fetch, and then refuses its own file',
  );
});
