/** The command line that comes with the package: `npx facexformer-webgpu COMMAND`. What needs a browser or the sources is not among it. */
import { exitOnSignals } from '../tools/signals.mjs';
import { runCommand } from '../tools/terminal/run.ts';
import { annotateWith } from './annotate.ts';
import { convert } from './convert.ts';
import { analyze, detect } from './dawn.ts';
import { packagedDetector } from './engine.ts';
import { evaluateWith } from './evaluate.ts';
import { fetchTo } from './fetch.ts';
import { inspect } from './inspect.ts';
import { shard, verify } from './shard.ts';

const CALL = 'npx facexformer-webgpu';
const fetch = fetchTo('facexformer.safetensors', `${CALL} fetch`);
const annotate = annotateWith(packagedDetector);

exitOnSignals();
process.exitCode = await runCommand(
  [analyze, detect, annotate, evaluateWith(packagedDetector), fetch, convert, shard, verify, inspect],
  CALL,
  process.argv.slice(2),
);
