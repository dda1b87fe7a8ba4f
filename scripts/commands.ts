/** The command line: `npm run -s facexformer -- COMMAND`. Exit code 0 on success, 1 on failure, 2 on a wrong call. */

import { bench } from '../bench/command.ts';
import { analyze, start } from '../cli/analyze.ts';
import { convert } from '../cli/convert.ts';
import { exportModel } from '../cli/export.ts';
import { fetch } from '../cli/fetch.ts';
import { inspect } from '../cli/inspect.ts';
import { plan } from '../cli/plan.ts';
import { seed } from '../cli/seed.ts';
import { shard, verify } from '../cli/shard.ts';
import { tune } from '../cli/tune.ts';
import { demo } from '../demo/command.ts';
import type { Command } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import { UsageError } from '../tools/terminal/options.ts';
import { clearProgress } from '../tools/terminal/progress.ts';

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
