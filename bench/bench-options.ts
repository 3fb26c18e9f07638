// The command line of one benchmark: its own options, `--smoke` and `--help`.

import { type ParseArgsConfig, parseArgs } from 'node:util';

const SHARED = {
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<Own extends Options> = ReturnType<typeof parseArgs<{ options: Own & typeof SHARED }>>['values'];

/** The values; ends the process with the help where it is asked for, or where an option is unknown. */
export function benchOptions<const Own extends Options>(help: string, own: Own): Values<Own> {
  try {
    const { values } = parseArgs({ options: { ...SHARED, ...own } });
    if (!(values as { help: boolean }).help) return values as Values<Own>;
    console.log(help);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exit(2);
  }
}
