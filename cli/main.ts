/** The command line: `npm run -s facexformer -- COMMAND`. Exit code 0 on success, 1 on failure, 2 on a wrong call. */
import { analyze, start } from './analyze.ts';
import { bench } from './bench.ts';
import type { Command } from './command.ts';
import { convert } from './convert.ts';
import { demo } from './demo.ts';
import { exportModel } from './export.ts';
import { messageOf } from './faults.ts';
import { fetch } from './fetch.ts';
import { inspect } from './inspect.ts';
import { UsageError } from './options.ts';
import { plan } from './plan.ts';
import { seed } from './seed.ts';
import { shard, verify } from './shard.ts';
import { clearProgress } from './terminal.ts';
import { tune } from './tune.ts';

const COMMANDS: readonly Command[] = [analyze, plan, seed, convert, exportModel, fetch, shard, verify, inspect, demo, bench, tune, start];
const CALL = 'npm run -s facexformer --';

/** Runs the command that the arguments name, and gives the exit code. */
export async function main([name, ...args]: string[]): Promise<number> {
  const command = COMMANDS.find((one) => one.name === name);
  if (command && args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(`${CALL} ${command.usage}`);
    return 0;
  }
  if (!command) {
    const asked = name === '--help' || name === '-h' || name === 'help';
    (asked ? console.log : console.error)(
      `${asked ? '' : `${name === undefined ? 'No command' : `Unknown command ${name}`}.\n\n`}${overview()}`,
    );
    return asked ? 0 : 2;
  }
  try {
    await command.run(args);
    return 0;
  } catch (error) {
    clearProgress();
    console.error(messageOf(error));
    if (!(error instanceof UsageError)) return 1;
    console.error(`\n${CALL} ${command.name} --help`);
    return 2;
  }
}

function overview(): string {
  const rows = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`);
  return `${CALL} COMMAND\n\n${rows.join('\n')}\n\n${CALL} COMMAND --help tells more.`;
}
