// A service on a temporary directory that is gone at the end, also after Ctrl-C or a failure.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceClient } from './coppice-client.js';
import { type ServiceOptions, ServiceProcess } from './service-process.js';

/** The killed service may be in the middle of a write when its directory is removed. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };

export interface TemporaryService {
  readonly service: ServiceProcess;
  readonly client: CoppiceClient;
  readonly dataDir: string;
  /** Another process on the same directory, after the one before it was ended. */
  start(options?: ServiceOptions): Promise<void>;
}

/** Runs `use` beside a service of its own; stops it and removes its data afterwards, whatever happens. */
export async function withTemporaryService<Result>(
  use: (running: TemporaryService) => Promise<Result>,
  options: ServiceOptions = {},
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'coppice-'));
  let service: ServiceProcess | undefined;
  const cleanUp = () => {
    service?.killNow();
    rmSync(directory, REMOVAL);
  };
  const interrupt = () => process.exit(130);
  process.once('exit', cleanUp);
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    service = await ServiceProcess.start(directory, options);
    const running = {
      service,
      client: new CoppiceClient(service.origin),
      dataDir: directory,
      async start(again = options) {
        service = await ServiceProcess.start(directory, again);
        running.service = service;
        running.client = new CoppiceClient(service.origin);
      },
    };
    const result = await use(running);
    await running.service.stop();
    return result;
  } finally {
    process.off('exit', cleanUp);
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    cleanUp();
  }
}
