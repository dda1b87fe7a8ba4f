/** The command line: `npm run -s facexformer -- COMMAND`. Exit code 0 on success, 1 on failure, 2 on a wrong call. */

import { bench } from '../bench/command.ts';
import { analyze, start } from '../cli/analyze.ts';
import { annotateWith } from '../cli/annotate.ts';
import { convert } from '../cli/convert.ts';
import { detect } from '../cli/detect.ts';
import { evaluateWith } from '../cli/evaluate.ts';
import { exportModel } from '../cli/export.ts';
import { fetch } from '../cli/fetch.ts';
import { inspect } from '../cli/inspect.ts';
import { plan } from '../cli/plan.ts';
import { seed } from '../cli/seed.ts';
import { shard, verify } from '../cli/shard.ts';
import { tune } from '../cli/tune.ts';
import { demo } from '../demo/command.ts';
import { mtcnnWeights } from '../tools/mtcnn.mjs';
import type { Command } from '../tools/terminal/command.ts';
import { runCommand } from '../tools/terminal/run.ts';
import { STANDARD_WEIGHTS } from '../tools/terminal/weights.ts';

const detectorWeights = () => Uint8Array.from(mtcnnWeights());

const COMMANDS: readonly Command[] = [
  analyze,
  annotateWith(detectorWeights, STANDARD_WEIGHTS),
  evaluateWith(detectorWeights, STANDARD_WEIGHTS),
  detect,
  plan,
  seed,
  convert,
  exportModel,
  fetch,
  shard,
  verify,
  inspect,
  demo,
  bench,
  tune,
  start,
];

/** Runs the command that the arguments name, and gives the exit code. */
export const main = (args: string[]): Promise<number> => runCommand(COMMANDS, 'npm run -s facexformer --', args);
