/** Arguments of the Node scripts: `--help` prints the usage and ends with 0, a wrong call is one line and ends with 2. */
import { parseArgs } from 'node:util';

export function parse(usage, options, args = process.argv.slice(2)) {
  try {
    const parsed = parseArgs({ args, allowPositionals: true, options: { ...options, help: { type: 'boolean', short: 'h' } } });
    if (!parsed.values.help) return parsed;
  } catch (error) {
    refuse(error.message);
  }
  console.log(usage);
  process.exit(0);
}

export function refuse(message) {
  console.error(message);
  process.exit(2);
}
