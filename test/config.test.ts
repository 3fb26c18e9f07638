import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { scopeOf } from '../src/api-keys.js';
import { describeSettings, loadConfig } from '../src/config.js';

test('nothing set gives the defaults', async (t) => {
  t.match(loadConfig({}), {
    host: '127.0.0.1',
    port: 7272,
    dataDir: './data',
    apiKeys: [],
    logLevel: 'info',
    bodyBytesMax: 67_108_864,
  });
  t.match(loadConfig({ PORT: '', API_KEYS: ' ' }), { port: 7272, apiKeys: [] }, 'empty is not set');
});

test('a bad setting is named, with what is expected', async (t) => {
  const bad = [
    { PORT: '70000' },
    { PORT: '7272abc' },
    { SEARCH_THREADS: '0' },
    { LOG_LEVEL: 'loud' },
    { BODY_BYTES_MAX: '1e6' },
    { ALLOW_ANONYMOUS: 'yes' },
    { API_KEYS: 'key:owner' },
    { API_KEYS: 'same,same:read' },
    { API_KEYS_FILE: '/nowhere/keys' },
  ];
  for (const environment of bad) {
    const [name = ''] = Object.keys(environment);
    t.throws(() => loadConfig(environment), {
      code: 'configuration_invalid',
      message: new RegExp(`^${name}: `),
    });
  }
  t.throws(
    () => loadConfig({ API_KEYS: 'hush:owner' }),
    { message: /^((?!hush).)*$/ },
    'a key is never quoted',
  );
});

test('a host others can reach needs keys or a decision', async (t) => {
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'example.org']) {
    t.throws(() => loadConfig({ HOST }), {
      code: 'configuration_invalid',
      message: /API_KEYS.*ALLOW_ANONYMOUS=true/,
    });
    t.equal(loadConfig({ HOST, ALLOW_ANONYMOUS: 'true' }).host, HOST);
    t.equal(loadConfig({ HOST, API_KEYS: 'key' }).apiKeys.length, 1);
  }
  for (const HOST of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) t.equal(loadConfig({ HOST }).host, HOST);
});

test('keys come from the environment or a file, and only their hashes stay', async (t) => {
  const path = join(await mkdtemp(join(tmpdir(), 'coppice-keys-')), 'keys');
  await writeFile(path, '# ours\nalpha:read\n\n  beta\n');
  const { apiKeys } = loadConfig({ API_KEYS_FILE: path });
  t.equal(scopeOf(apiKeys, 'alpha'), 'read');
  t.equal(scopeOf(apiKeys, 'beta'), 'admin');
  t.equal(scopeOf(apiKeys, ''), undefined);
  t.notMatch(JSON.stringify(apiKeys), /alpha|beta/);
  await writeFile(path, '# none\n');
  t.throws(
    () => loadConfig({ API_KEYS_FILE: path }),
    { message: /no key/ },
    'an empty file does not open the service',
  );
  t.throws(() => loadConfig({ API_KEYS_FILE: path, API_KEYS: 'a' }), { message: /not both/ });
});

test('the help names every setting', async (t) => {
  for (const name of ['HOST', 'PORT', 'DATA_DIR', 'API_KEYS_FILE', 'REQUEST_TIMEOUT_MS'])
    t.match(describeSettings(), name);
});
