/** What ends a command, as a person reads it. */
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { CommandError } from './command.ts';
import { UsageError } from './options.ts';

export function messageOf(error: unknown): string {
  if (error instanceof FaceXFormerError) return `${error.code}: ${error.message}`;
  if (error instanceof UsageError || error instanceof CommandError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ('stackInPage' in error)
    return 'code' in error && error.code ? `${error.code}: ${error.message}` : `${error.message}\n${error.stackInPage ?? ''}`;
  const ofSystem = 'syscall' in error; // no file, no room, no permission: the message says it all
  return ofSystem ? error.message : (error.stack ?? error.message);
}
