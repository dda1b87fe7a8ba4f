/** Programs for choices of tasks, of what else is read back, and of how many images; the last few of them are kept. */

import { type Config, heatmapsTap } from '../face/config.ts';
import type { Extras } from '../face/faces.ts';
import type { Task } from '../face/labels.ts';
import { TASK_TABLE, type TaskTable } from '../face/tasks.ts';
import { disposed } from '../gpu/errors.ts';
import type { Pipelines } from '../gpu/pipelines.ts';
import type { Graph } from '../graph/graph.ts';
import type { Parameters } from '../graph/parameters.ts';
import { type Choose, makePlan, type Plan } from '../graph/plan.ts';
import { Program, type Resources } from '../graph/program.ts';
import { MOST_IMAGES, SIZE } from '../image/resize.ts';

/** Programs kept for recent choices. */
const KEPT_PROGRAMS = 4;

/** What a frame is to give. */
export interface Wanted extends Extras {
  readonly tasks: readonly Task[];
}

export interface ProgramParts {
  /** The network for so many images. */
  readonly graphOf: (images: number) => Graph;
  readonly config: Config;
  readonly pipelines: Pipelines;
  readonly parameters: Parameters;
  readonly resources: Resources;
  /** Kernels chosen by measurement, until `adopt` says others; the graph's own unless told otherwise. */
  choose?: Choose | undefined;
}

export class Programs {
  readonly #programs = new Map<string, Program>();
  #destroyed = false;

  constructor(private readonly parts: ProgramParts) {}

  /** What a frame of these tasks runs; `untuned`: with the graph's own kernels. */
  plan(tasks: readonly Task[], { untuned = false, faces = 1 } = {}): Plan {
    const { graphOf, config, choose } = this.parts;
    return makePlan(graphOf(faces), outputsOf(tasks, false, config.table), [], untuned ? undefined : choose);
  }

  /** Chooses kernels anew, from the next program on. Frames of those that there are are still answered. */
  adopt(choose: Choose): void {
    this.parts.choose = choose;
    for (const program of this.#programs.values()) program.retire();
    this.#programs.clear();
  }

  /** Frames of a program that is let go of are still answered. @throws FaceXFormerError LIMIT, GPU_ERROR, DISPOSED */
  async get(wanted: Wanted, images = 1): Promise<Program> {
    const { tasks, raw, taps, heatmaps } = wanted;
    const key = `${tasks} ${[raw || taps, taps, heatmaps].map(Boolean)} ${images}`;
    const known = this.#programs.get(key);
    this.#programs.delete(key); // the last used goes last
    const program = known ?? (await this.#make(wanted, images));
    if (this.#destroyed) {
      program.destroy(); // while it was made
      throw disposed();
    }
    this.#programs.set(key, program);
    for (const [oldest, old] of this.#programs) {
      if (this.#programs.size <= KEPT_PROGRAMS) break;
      old.retire();
      this.#programs.delete(oldest);
    }
    return program;
  }

  /** How many faces one frame takes: taps are read back whole, and are many. */
  mostImages({ taps }: Pick<Wanted, 'taps'>): number {
    return taps ? 1 : Math.max(1, Math.floor(MOST_IMAGES * (SIZE / this.parts.config.side) ** 2));
  }

  destroy(): void {
    this.#destroyed = true;
    for (const program of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  async #make({ tasks, raw, taps, heatmaps }: Wanted, images: number): Promise<Program> {
    const { graphOf, config, pipelines, parameters, resources } = this.parts;
    const graph = graphOf(images);
    const outputs = outputsOf(tasks, !!(raw || taps), config.table);
    const kept = new Set<string>();
    if (raw || taps) kept.add('resized');
    const maps = heatmaps && heatmapsTap(config);
    if (maps) kept.add(maps);
    if (taps) {
      const run = new Set(makePlan(graph, outputs).dispatches.map(({ node }) => node));
      for (const [name, { tensor }] of graph.taps) if (run.has(tensor.node.name)) kept.add(name);
    }
    return Program.create(pipelines, makePlan(graph, outputs, [...kept], this.parts.choose), parameters, resources);
  }
}

/** The graph's outputs for the tasks: what their heads read, and with `raw` the outputs of which the GPU makes it. */
export function outputsOf(tasks: readonly Task[], raw: boolean, table: TaskTable = TASK_TABLE): string[] {
  return tasks.flatMap((task) => {
    const reads = table[task]?.reads;
    if (reads === undefined) return [task];
    return raw ? [task, reads] : [reads];
  });
}
