/** A side, started by child.mjs: the engine in Node, on Dawn (npm package `webgpu`) and lavapipe. */
import { openAsBlob, readFileSync } from 'node:fs';
import { load, root } from '../../tools/load.mjs';
import { dawnOn } from '../../tools/vulkan.mjs';
import { answer, readJob } from './child.mjs';

const job = readJob();
const { runEngine } = await load('bench/peers/engine.ts');
globalThis.dawn = await dawnOn('lavapipe'); // its devices die with it, and nothing else holds it
const adapter = await globalThis.dawn.requestAdapter();
if (!adapter) throw new Error('Dawn gives no adapter on lavapipe.');
const device = await adapter.requestDevice({ requiredFeatures: ['subgroups'].filter((name) => adapter.features.has(name)) }); // as the engine asks
const timed = await runEngine({ ...job, weights: await openAsBlob(job.weights), device });
const { version } = JSON.parse(readFileSync(`${root}node_modules/webgpu/package.json`, 'utf8'));
answer(job, { backend: `Dawn (webgpu ${version}) on lavapipe, Node ${process.versions.node}`, ...timed });
