// The process's logger: JSON lines, or readable ones on a terminal. Main thread.

import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** Keys never reach a log, whatever is logged with them. */
const REDACTED = [
  'apiKeys',
  '*.apiKeys',
  'req.headers.authorization',
  'req.headers["x-api-key"]',
  'headers.authorization',
];

export function createLog(options: { level: string; readable: boolean }): Logger {
  const settings = {
    level: options.level,
    redact: { paths: REDACTED, censor: '(hidden)' },
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
  };
  if (!options.readable) return pino(settings);
  return pino(settings, pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }));
}
