/** Starts one side in a process of its own, so that neither shares a Vulkan device, a heap or a crash with the other. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { root } from '../../tools/load.mjs';
import { driverFile } from '../../tools/vulkan.mjs';

/** What onnxruntime logs of every dispatch. */
const DISPATCH = 'Starting program "';
const LAST_FRAME = '--- last frame';
const LIMIT_SECONDS = 900;

const toText = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
const fromText = (text) => Uint8Array.from(Buffer.from(text, 'base64'));

/** Reads, in the child, the job that it was started for. */
export function readJob() {
  const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  const picture = { ...job.picture, data: fromText(job.picture.data) };
  return { ...job, picture, pixels: new Float32Array(fromText(job.pixels).buffer) };
}

/** Hands in the result, in the child, and ends the process, whatever threads are left. */
export function answer({ answer: file }, { outputs, ...timed }) {
  const encoded = Object.fromEntries([...outputs].map(([name, data]) => [name, toText(data)]));
  writeFileSync(file, JSON.stringify({ ...timed, outputs: encoded }));
  process.exit();
}

/** Runs a side's script on lavapipe. Where onnxruntime logs its dispatches, those of the last frame are in `calls`. */
export async function runChild(script, job) {
  const driver = driverFile('lavapipe');
  if (!driver) throw new Error('The Vulkan driver lavapipe is not installed (Debian: mesa-vulkan-drivers).');
  const [jobFile, answerFile] = ['job', 'answer'].map((name) => `${root}.cache/peers/${name}.${process.pid}.json`);
  const picture = { ...job.picture, data: toText(job.picture.data) };
  writeFileSync(jobFile, JSON.stringify({ ...job, picture, pixels: toText(job.pixels), answer: answerFile, lastFrame: LAST_FRAME }));
  try {
    const env = { ...process.env, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
    const dispatches = await finished(spawn(process.execPath, [script, jobFile], { cwd: root, env, stdio: ['ignore', 'inherit', 'pipe'] }));
    const { outputs, ...timed } = JSON.parse(readFileSync(answerFile, 'utf8'));
    const decoded = Object.entries(outputs).map(([name, text]) => [name, new Float32Array(fromText(text).buffer)]);
    return { ...timed, ...(dispatches > 0 && { calls: { dispatches } }), outputs: new Map(decoded) };
  } finally {
    for (const file of [jobFile, answerFile]) rmSync(file, { force: true });
  }
}

/** Waits for the end; fails on a bad exit or after the limit. Gives the number of dispatches that were logged in the last frame. */
function finished(child) {
  return new Promise((resolve, reject) => {
    let [dispatches, rest, tail] = [0, '', ''];
    child.stderr.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line === LAST_FRAME) dispatches = 0;
        else if (line.includes(DISPATCH)) dispatches++;
      }
      tail = (tail + text).slice(-2000);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_SECONDS * 1000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(dispatches);
      else reject(new Error(`${child.spawnargs[1]} ended with ${signal ?? code}:\n${tail}`));
    });
  });
}
