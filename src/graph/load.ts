/** Any network, put on a GPU: planned, compiled and filled with its weights. */
import type { Checkpoint, ReadOptions } from '../checkpoint/checkpoint.ts';
import { inFloat32 } from '../checkpoint/values.ts';
import { either } from '../gpu/errors.ts';
import type { Pipelines } from '../gpu/pipelines.ts';
import type { Graph } from './graph.ts';
import { Parameters } from './parameters.ts';
import { type Choose, makePlan } from './plan.ts';
import { Program, type Resources } from './program.ts';

export interface Needs extends ReadOptions {
  /** They belong to the device that the network is for. Networks on one device share them, so that the same kernel compiles once. */
  readonly pipelines: Pipelines;
  /** Holds a tensor under every name that the graph's parameters are made from. Parameters are each network's own. */
  readonly weights: Checkpoint;
  /** The textures and buffers that the graph reads by name. The caller's: it fills them before a run, and destroys them. */
  readonly resources?: Resources;
  /** Names of the graph's outputs that a run is to give; all of them unless told otherwise. */
  readonly outputs?: readonly string[];
  /** Another kernel of a node's role; the graph's own unless told otherwise. */
  readonly choose?: Choose;
}

/**
 * Makes a graph run: its pipelines compile while its weights arrive. `run` of the program gives the outputs by name; the caller destroys the
 * program, and then its `parameters`.
 *
 * A graph whose maps follow the picture is made for the largest picture, and its buffers with it. Its kernels read what a picture's sizes are
 * from the resource SIZES, and give a `workgroupsOf` in their launches; `program.run(sizes)` takes the numbers for both:
 *
 *     const halve = defineKernel('halve', wgsl, ({ most }) => ({
 *       constants: {},
 *       workgroups: [tiles(most, 64), 1, 1],
 *       workgroupsOf: ([count = most]) => [tiles(count, 64), 1, 1],
 *       macs: 0,
 *     }));
 *     graph.output('y', graph.add('half', halve, { most }, { x: resource('x'), sizes: SIZES }, [most]));
 *     const program = await loadProgram(graph, { pipelines, weights, resources: new Map([['x', x], ['sizes', sizes]]) });
 *     const { results } = await program.run([count]);
 *
 * @throws FaceXFormerError LIMIT, GPU_ERROR, WRONG_WEIGHTS, ABORTED, and what reading the weights throws; nothing is left on the GPU then
 */
export async function loadProgram(
  graph: Graph,
  { pipelines, weights, resources = new Map(), outputs = [...graph.outputs.keys()], choose, signal, onProgress }: Needs,
): Promise<Program> {
  const plan = makePlan(graph, outputs, [], choose);
  const parameters = new Parameters(pipelines.device);
  const stop = new AbortController(); // ends the reading where a kernel does not compile
  try {
    await Promise.all([
      ...plan.dispatches.map(({ kernel, launch }) => pipelines.get(kernel, launch)),
      parameters.load(plan.parameters, inFloat32(weights), { signal: either(signal, stop.signal), onProgress }),
    ]);
    return await Program.create(pipelines, plan, parameters, resources);
  } catch (error) {
    stop.abort();
    parameters.destroy();
    throw error;
  }
}
