// A real service process as its clients meet it: started, stopped, killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const LISTENING = /listening at (http:\/\/[^\s"]+)/;
const START_TIMEOUT_MS = 30_000;
/** Characters of the log kept, to be shown when the service ends unexpectedly. */
const LOG_CHARS_KEPT = 20_000;

/** How the process is started, where it is not `npm start`. */
export interface ServiceOptions {
  /** Another entry file: one that says where it listens, as the service does. */
  main?: string;
  /** Options of node. */
  nodeFlags?: string[];
  environment?: Record<string, string>;
}

export class ServiceProcess {
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #log: () => string;

  private constructor(child: ChildProcess, origin: string, log: () => string) {
    this.#child = child;
    this.origin = origin;
    this.#log = log;
  }

  /**
   * Starts the compiled service on a free port; resolves once it listens, its collections may still be loading.
   * @throws with the service's log when it ends or stays silent instead
   */
  static async start(
    dataDir: string,
    { main = MAIN, nodeFlags = [], environment = {} }: ServiceOptions = {},
  ): Promise<ServiceProcess> {
    const env = {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      ...environment,
      DATA_DIR: dataDir,
    };
    // Without the loader that a test runner hands down in NODE_OPTIONS: it would count as memory and time of the service.
    const command = ['-u', 'NODE_OPTIONS', process.execPath, ...nodeFlags, main];
    const child = spawn('env', command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let kept = '';
    const log = () => kept;
    const origin = await new Promise<string>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`the service ${reason}:\n${kept}`));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        fail(`did not listen within ${START_TIMEOUT_MS} ms`);
      }, START_TIMEOUT_MS);
      let found = false;
      const read = (chunk: Buffer) => {
        kept = (kept + chunk.toString()).slice(-LOG_CHARS_KEPT);
        const address = found ? undefined : LISTENING.exec(kept)?.[1];
        if (address === undefined) return;
        found = true;
        clearTimeout(timer);
        resolve(address);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${signal ?? `code ${code}`} instead of listening`);
      });
    });
    return new ServiceProcess(child, origin, log);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The last part of its log, JSON lines. */
  get log(): string {
    return this.#log();
  }

  /** Still there, as far as this process knows. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the process has ended in order. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** `kill -9` that waits for nothing, for the exit of this process. */
  killNow(): void {
    this.#child.kill('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}
