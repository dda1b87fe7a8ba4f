/** The command line's door: checks Node, then runs a command from the sources as they stand. */
import { exitOnSignals } from '../tools/signals.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old; this needs 20.19 or later.`);
  process.exit(1);
}
// npm runs scripts in the project's folder; paths are meant from where the person is.
const SCRIPTS = ['facexformer', 'start', 'demo', 'weights', 'bench', 'bench:page']; // of package.json, that run this file
if (SCRIPTS.includes(process.env.npm_lifecycle_event) && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
exitOnSignals();
try {
  process.setSourceMapsEnabled(true);
  const { load } = await import('../tools/load.mjs');
  const { main } = await load('scripts/commands.ts');
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.code === 'ERR_MODULE_NOT_FOUND' ? `${error.message}\nRun npm ci first.` : error);
  process.exitCode = 1;
}
