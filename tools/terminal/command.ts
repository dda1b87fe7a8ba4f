/** What a command of the command line is, and how it says that it cannot. */
export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** Arguments and options, after `npm run -s facexformer -- `. */
  usage: string;
  /** Does it; throws where it fails. */
  run(args: string[]): Promise<void>;
}

/** The command was called rightly and cannot do it: a folder in a file's place, a port that is taken. The message says it all; exit code 1. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}
