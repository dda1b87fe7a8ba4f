/** What ends a command, as a person reads it. */
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { NoBrowserError } from '../browser/find.ts';
import { PageError } from '../browser/page.ts';
import { CommandError } from './command.ts';
import { UsageError } from './options.ts';

export function messageOf(error: unknown): string {
  if (error instanceof FaceXFormerError) return `${error.code}: ${error.message}`;
  if (error instanceof PageError) return error.code ? `${error.code}: ${error.message}` : `${error.message}\n${error.stackInPage ?? ''}`;
  if (error instanceof UsageError || error instanceof NoBrowserError || error instanceof CommandError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const ofSystem = 'syscall' in error; // no file, no room, no permission: the message says it all
  return ofSystem ? error.message : (error.stack ?? error.message);
}
