/** Runs one of several commands, as a command line does. Exit code 0 on success, 1 on failure, 2 on a wrong call. */
import { VERSION } from '../../src/version.ts';
import { type Command, CommandError } from './command.ts';
import { messageOf } from './faults.ts';
import { UsageError } from './options.ts';
import { clearProgress } from './progress.ts';

/**
 * Runs the command that the arguments name, and gives the exit code.
 * @param call how a person calls it, before the command's name
 */
export async function runCommand(commands: readonly Command[], call: string, [name, ...args]: string[]): Promise<number> {
  const command = commands.find((one) => one.name === name);
  if (command && args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(`${call} ${command.usage}`);
    return 0;
  }
  if (name === '--version') {
    console.log(VERSION);
    return 0;
  }
  if (!command) {
    const asked = name === '--help' || name === '-h' || name === 'help';
    (asked ? console.log : console.error)(
      `${asked ? '' : `${name === undefined ? 'No command' : `Unknown command ${name}`}.\n\n`}${overview(commands, call)}`,
    );
    return asked ? 0 : 2;
  }
  let lost: NodeJS.ErrnoException | undefined;
  const lose = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost ??= error; // whoever reads may have read enough
  };
  process.stdout.on('error', lose);
  try {
    await command.run(args);
    await new Promise((written) => process.stdout.write('', written));
    if (lost) throw new CommandError(`What it says could not be written (${lost.code}).`);
    return 0;
  } catch (error) {
    clearProgress();
    console.error(messageOf(error));
    if (!(error instanceof UsageError)) return 1;
    console.error(`\n${call} ${command.name} --help`);
    return 2;
  } finally {
    process.stdout.off('error', lose);
  }
}

function overview(commands: readonly Command[], call: string): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`);
  return `${call} COMMAND\n\n${rows.join('\n')}\n\n${call} COMMAND --help tells more.`;
}
