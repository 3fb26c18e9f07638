#!/usr/bin/env node
// The process: settings, log, store, server, and their orderly end; or a command. Main thread.

import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Collections } from './collections/collections.js';
import { type Config, describeSettings, loadConfig } from './config.js';
import { ServiceError } from './errors.js';
import { createLog } from './log.js';
import { VERSION } from './version.js';

const USAGE = `coppice ${VERSION}: an HTTP vector-search service

Usage: coppice                             start the service
       coppice import FILE --collection NAME  send points to a running service; see coppice import --help
       coppice --help | --version

Settings are environment variables (name, default, meaning):
${describeSettings()}`;

async function main(): Promise<void> {
  const [option, ...rest] = process.argv.slice(2);
  if (option === '--help' || option === '-h') return console.log(USAGE);
  if (option === '--version' || option === '-v') return console.log(VERSION);
  if (option === 'import') {
    const { runImport } = await import('./cli/run-import.js');
    const { env: environment, stdin, stdout, stderr } = process;
    process.exitCode = await runImport(rest, { environment, stdin, stdout, stderr });
    return;
  }
  if (option !== undefined || rest.length > 0) fail(`unknown option ${option}; try --help`);
  const config = loadConfig(process.env);
  await serve(config, await createLog({ level: config.logLevel, readable: process.stdout.isTTY }));
}

/** Listens at once; `/readyz` tells when all collections are open. */
async function serve(config: Config, log: Logger): Promise<void> {
  // Loading the server's modules takes as long as all else: collections open and threads start meanwhile.
  const loading = import('./app.js');
  const collections = await openCollections(config, log);
  const { buildApp } = await loading;
  const app = await buildApp({ config, collections, log });
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app.close();
    await collections.close();
    fail(`cannot listen on ${config.host}:${config.port} (${(error as NodeJS.ErrnoException).code})`);
  }
  endInOrder({ app, collections, config, log });
  if (config.apiKeys.length === 0)
    log.warn({ host: config.host }, 'no API keys are set: everybody who can connect may do everything');
}

/** What the system refuses is the operator's to mend, and a stack would not help with that. */
async function openCollections(config: Config, log: Logger): Promise<Collections> {
  try {
    return await Collections.open(config, log);
  } catch (error) {
    const { code, syscall, path } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    const reason = [code, 'in', syscall, path].filter(Boolean).join(' ');
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const advice = isFull
      ? 'free some space on its disk'
      : 'set DATA_DIR to a directory that this process may write to';
    fail(`cannot use ${config.dataDir} for the data (${reason}); ${advice}`);
  }
}

interface Running {
  app: FastifyInstance;
  collections: Collections;
  config: Config;
  log: Logger;
}

/** Faults of the machine code: a handler in JavaScript would return to the fault, and meet it again without end. */
const FAULTS = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const;

/** A signal: no new connections, running requests end, then the engine; a second signal: at once. */
function endInOrder({ app, collections, config, log }: Running): void {
  const delay = config.shutdownGraceMs === 0 ? 1 : config.shutdownGraceMs;
  closeWithGrace(
    { delay, skip: [...FAULTS], logger: { error: (...args: unknown[]) => log.error({ args }, 'stopping') } },
    async ({ signal, err }) => {
      if (err) log.fatal({ err }, 'a defect: stopping');
      else log.info({ signal }, 'stopping');
      await app.close();
      await collections.close();
      log.info({}, 'stopped');
    },
  );
}

function fail(message: string): never {
  console.error(`coppice: ${message}`);
  process.exit(1);
}

try {
  await main();
} catch (error) {
  if (error instanceof ServiceError) fail(error.message);
  throw error;
}
