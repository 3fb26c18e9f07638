// The service's settings: read once at start from the environment, checked, typed. Main thread.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { type ApiKey, parseApiKeys } from './api-keys.js';
import { ServiceError } from './errors.js';
import { BODY_BYTES_DEFAULT, BODY_BYTES_MIN, MEMORY_BYTES_MIN, THREADS_MAX } from './limits.js';

const BODY_BYTES_MAX_MAX = 1024 * 1024 * 1024;

export interface Config {
  host: string;
  port: number;
  dataDir: string;
  /** Only hashes: the keys themselves are forgotten at once. Empty: everybody may do everything. */
  apiKeys: ApiKey[];
  searchThreads: number;
  buildThreads: number;
  logLevel: z.output<typeof logLevel>;
  bodyBytesMax: number;
  /** Undefined: what the container or the machine has. */
  memoryBytesMax: number | undefined;
  requestTimeoutMs: number;
  shutdownGraceMs: number;
}

interface Setting<S extends z.ZodType> {
  schema: S;
  /** Undefined: nothing is set. */
  fallback: string | undefined;
  about: string;
}

const logLevel = z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']);
const cores = String(Math.min(THREADS_MAX, availableParallelism()));

const SETTINGS = {
  HOST: setting(
    z.string(),
    '127.0.0.1',
    'Address to listen on; one that other machines reach needs API keys.',
  ),
  PORT: setting(integer(0, 65_535), '7272', 'TCP port; 0 takes a free one.'),
  DATA_DIR: setting(z.string(), './data', 'Directory of all data; one process at a time.'),
  API_KEYS: setting(
    z.string().optional(),
    undefined,
    'KEY:SCOPE,... with scope read, write or admin; admin without one.',
  ),
  API_KEYS_FILE: setting(
    z.string().optional(),
    undefined,
    'File with one KEY:SCOPE a line, instead of API_KEYS.',
  ),
  ALLOW_ANONYMOUS: setting(flag(), 'false', 'true: serve other machines without API keys.'),
  SEARCH_THREADS: setting(integer(1, THREADS_MAX), cores, 'Threads that search; default: the cores.'),
  BUILD_THREADS: setting(integer(1, THREADS_MAX), cores, 'Threads that build indexes; default: the cores.'),
  LOG_LEVEL: setting(logLevel, 'info', `One of ${logLevel.options.join(', ')}.`),
  BODY_BYTES_MAX: setting(
    integer(BODY_BYTES_MIN, BODY_BYTES_MAX_MAX),
    String(BODY_BYTES_DEFAULT),
    'Largest JSON body; NDJSON may be of any length.',
  ),
  MEMORY_BYTES_MAX: setting(
    integer(MEMORY_BYTES_MIN, Number.MAX_SAFE_INTEGER).optional(),
    undefined,
    'RAM the process may use; default: the limit of its container, else all.',
  ),
  REQUEST_TIMEOUT_MS: setting(
    integer(100, 3_600_000),
    '60000',
    'Longest time for one request, its body included; for NDJSON, between two pieces.',
  ),
  SHUTDOWN_GRACE_MS: setting(
    integer(0, 600_000),
    '10000',
    'Time that running requests have to end at a stop.',
  ),
};

type Settings = { [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]['schema']> };

/** @throws configuration_invalid, naming the setting and what to do */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const settings = readSettings(environment);
  const apiKeys = readApiKeys(settings);
  if (apiKeys.length === 0 && !settings.ALLOW_ANONYMOUS && !isLoopback(settings.HOST)) {
    throw invalid(
      'HOST',
      `${settings.HOST} can be reached by other machines, and there are no API keys. Set API_KEYS or API_KEYS_FILE, ` +
        'or HOST=127.0.0.1, or ALLOW_ANONYMOUS=true if whatever stands in front checks who calls',
    );
  }
  return {
    host: settings.HOST,
    port: settings.PORT,
    dataDir: settings.DATA_DIR,
    apiKeys,
    searchThreads: settings.SEARCH_THREADS,
    buildThreads: settings.BUILD_THREADS,
    logLevel: settings.LOG_LEVEL,
    bodyBytesMax: settings.BODY_BYTES_MAX,
    memoryBytesMax: settings.MEMORY_BYTES_MAX,
    requestTimeoutMs: settings.REQUEST_TIMEOUT_MS,
    shutdownGraceMs: settings.SHUTDOWN_GRACE_MS,
  };
}

/** One line a setting, with its default: what `--help` shows. */
export function describeSettings(): string {
  const lines = Object.entries(SETTINGS).map(([name, { fallback, about }]) => {
    return `  ${name.padEnd(19)} ${(fallback ?? '-').padEnd(10)} ${about}`;
  });
  return lines.join('\n');
}

/** True where only programs on this machine can connect. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** An empty variable counts as not set: compose files pass them so. */
function readSettings(environment: Record<string, string | undefined>): Settings {
  const entries = Object.entries(SETTINGS).map(([name, { schema, fallback }]) => {
    const text = environment[name]?.trim() || fallback;
    const result = schema.safeParse(text);
    if (result.success) return [name, result.data];
    throw invalid(name, result.error.issues[0]?.message ?? 'not valid');
  });
  return Object.fromEntries(entries) as Settings;
}

function readApiKeys(settings: Settings): ApiKey[] {
  const { API_KEYS: inline, API_KEYS_FILE: path } = settings;
  if (inline !== undefined && path !== undefined)
    throw invalid('API_KEYS', 'set it or API_KEYS_FILE, not both');
  if (path !== undefined) return namedKeys('API_KEYS_FILE', readKeysFile(path));
  return inline === undefined ? [] : namedKeys('API_KEYS', inline.split(','));
}

function readKeysFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid('API_KEYS_FILE', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
}

function namedKeys(name: string, entries: string[]): ApiKey[] {
  const keys = parseApiKeys(entries);
  if ('refused' in keys) throw invalid(name, keys.refused);
  // Somebody who points to keys wants them: an empty file must not open the service.
  if (keys.length === 0) throw invalid(name, 'there is no key in it');
  return keys;
}

function setting<S extends z.ZodType>(schema: S, fallback: string | undefined, about: string): Setting<S> {
  return { schema, fallback, about };
}

function integer(min: number, max: number) {
  const error = `an integer from ${min} to ${max} is expected`;
  return z
    .string({ error })
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
}

function flag() {
  return z
    .enum(['true', 'false'], { error: 'true or false is expected' })
    .transform((value) => value === 'true');
}

function invalid(name: string, reason: string): ServiceError {
  return new ServiceError('configuration_invalid', { name, reason });
}
