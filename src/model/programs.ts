/** Programs for choices of tasks and of what else is read back, the last few of them kept. */
import type { Pipelines } from '../gpu/pipelines.ts';
import type { Graph } from '../graph/graph.ts';
import type { Parameters } from '../graph/parameters.ts';
import { makePlan, type Plan } from '../graph/plan.ts';
import { Program, type Resources } from '../graph/program.ts';
import type { Config } from './config.ts';
import type { Task } from './labels.ts';

/** Programs kept for recent choices. */
const KEPT_PROGRAMS = 4;

/** What a frame is to give. */
export interface Choice {
  readonly tasks: readonly Task[];
  readonly raw?: boolean;
  readonly taps?: boolean;
  readonly heatmaps?: boolean;
}

export interface ProgramParts {
  readonly graph: Graph;
  readonly config: Config;
  readonly pipelines: Pipelines;
  readonly parameters: Parameters;
  readonly resources: Resources;
}

export class Programs {
  readonly #programs = new Map<string, Program>();

  constructor(private readonly parts: ProgramParts) {}

  /** What a frame of these tasks runs. */
  plan(tasks: readonly Task[]): Plan {
    return makePlan(this.parts.graph, outputsOf(tasks, false));
  }

  async get({ tasks, raw = false, taps = false, heatmaps = false }: Choice): Promise<Program> {
    const key = `${tasks} ${raw || taps} ${taps} ${heatmaps}`;
    const known = this.#programs.get(key);
    this.#programs.delete(key); // the last used goes last
    const program = known ?? (await this.#make({ tasks, raw, taps, heatmaps }));
    this.#programs.set(key, program);
    for (const [oldest, old] of this.#programs) {
      if (this.#programs.size <= KEPT_PROGRAMS) break;
      old.destroy();
      this.#programs.delete(oldest);
    }
    return program;
  }

  destroy(): void {
    for (const program of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  #make({ tasks, raw = false, taps = false, heatmaps = false }: Choice): Promise<Program> {
    const { graph, config, pipelines, parameters, resources } = this.parts;
    const outputs = outputsOf(tasks, raw || taps);
    const kept = new Set(raw || taps ? ['resized', 'pixels'] : []);
    if (heatmaps) kept.add(heatmapsOf(config));
    if (taps) {
      const run = new Set(makePlan(graph, outputs).dispatches.map(({ node }) => node));
      for (const [name, { tensor }] of graph.taps) if (run.has(tensor.node.name)) kept.add(name);
    }
    return Program.create(pipelines, makePlan(graph, outputs, [...kept]), parameters, resources);
  }
}

/** Tap of the heat maps from which the landmarks are read: the last stack's. */
export const heatmapsOf = ({ hourglass }: Config): string => `landmarks.stack${(hourglass?.stacks ?? 0) - 1}.heatmaps`;

/** The graph's outputs for the tasks: of the parsing map only its argmax, unless raw outputs are wanted. */
export function outputsOf(tasks: readonly Task[], raw: boolean): string[] {
  return tasks.flatMap((task) => (task !== 'segmentation' ? [task] : raw ? ['segmentation', 'mask'] : ['mask']));
}
