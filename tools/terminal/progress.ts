/** What a person sees while waiting: one line that is written over, on a terminal only. Results go to stdout, this to stderr. */

export interface Progress {
  phase: string;
  loaded: number;
  total: number;
}

const terminal = process.stderr;
let shown = 0;

export function showProgress({ phase, loaded, total }: Progress): void {
  const share = total > 0 ? `${Math.floor((100 * loaded) / total)} %` : '';
  const amount = total >= 1e6 ? ` of ${(total / 1e6).toFixed(0)} MB` : '';
  showLine(`${phase} ${share}${amount}`);
}

/** Shows a line in place of the one that was shown last. */
export function showLine(text: string): void {
  if (!terminal.isTTY) return;
  const line = text.slice(0, (terminal.columns ?? 80) - 1);
  terminal.write(`\r${line.padEnd(shown)}`);
  shown = line.length;
}

export function clearProgress(): void {
  if (shown === 0) return;
  terminal.write(`\r${' '.repeat(shown)}\r`);
  shown = 0;
}

/** A line to the person at the terminal that is no result. */
export function say(line: string): void {
  clearProgress();
  terminal.write(`${line}\n`);
}
