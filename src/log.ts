// The process's logger: JSON lines, or readable ones on a terminal. Main thread.

import { type Logger, pino } from 'pino';

/** Keys never reach a log, whatever is logged with them. */
const REDACTED = [
  'apiKeys',
  '*.apiKeys',
  'req.headers.authorization',
  'req.headers["x-api-key"]',
  'headers.authorization',
];

/** Lines are written together: one write a request would cost as much as a tenth of the request. */
const LINES_BYTES = 4096;
const LINES_MS = 100;

export async function createLog(options: { level: string; readable: boolean }): Promise<Logger> {
  const settings = {
    level: options.level,
    redact: { paths: REDACTED, censor: '(hidden)' },
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
  };
  if (!options.readable) {
    // What waits is written when the process ends; a killed one loses its last moment.
    return pino(settings, pino.destination({ sync: false, minLength: LINES_BYTES, periodicFlush: LINES_MS }));
  }
  const { default: pretty } = await import('pino-pretty');
  return pino(settings, pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }));
}
