/** What a command of the command line is. */
export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** Arguments and options, after `npm run -s facexformer -- `. */
  usage: string;
  /** Does it; throws where it fails. */
  run(args: string[]): Promise<void>;
}
