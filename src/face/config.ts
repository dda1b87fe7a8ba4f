/** What network some weights are for: their form, backbone and heads, read from their tensors' names. */
import { checkTensors } from '../checkpoint/check.ts';
import type { TensorInfo, TensorList } from '../checkpoint/checkpoint.ts';
import { given, mustBe, mustBeWhole, optionsOf } from '../gpu/given.ts';
import { SIZE } from '../image/resize.ts';
import { backboneNamed, backboneOf } from '../model/backbones/index.ts';
import { type HourglassSizes, hourglassOf, PAPER_HOURGLASS } from '../model/hourglass.ts';
import { type Architecture, tensorsOfNetwork } from '../model/network.ts';
import { type Form, formOf } from './forms.ts';
import { TASKS, type Task } from './labels.ts';
import { headsOf, TASK_TABLE, type TaskTable } from './tasks.ts';

/** The network that some weights are for. */
export interface Config extends Architecture {
  /** Of the two forms of FaceXFormer; undefined of another network. */
  readonly form?: Form;
  readonly side: number;
  /** What its heads' numbers mean. */
  readonly table: TaskTable;
  /** Every tensor that they may hold. */
  readonly tensors: TensorList;
}

/** FaceXFormer of some weights. */
export interface FaceXFormerConfig extends Config {
  readonly form: Form;
}

/**
 * The configuration of a checkpoint's tensors, whichever form they are of.
 * @param side of the square that the network takes, which no weights say
 * @throws FaceXFormerError WRONG_WEIGHTS naming what is wrong with them
 */
export function readConfig(found: ReadonlyMap<string, TensorInfo>, side = SIZE): FaceXFormerConfig {
  const form = formOf(found);
  return { ...checkedConfig(found, { backbone: backboneOf(found), heads: headsOf(form, hourglassOf(found)), side }, TASK_TABLE), form };
}

/** The configuration of an architecture, if the tensors are its. @throws FaceXFormerError WRONG_WEIGHTS */
export function checkedConfig(
  found: ReadonlyMap<string, TensorInfo>,
  architecture: Architecture & { readonly side: number },
  table: TaskTable,
): Config {
  const tensors = tensorsOfNetwork(architecture);
  checkTensors(found, tensors);
  return { ...architecture, table, tensors };
}

/** The tasks that a configuration knows, in the order of TASKS. */
export const tasksOf = ({ heads }: Architecture): Task[] => TASKS.filter((task) => heads.some((head) => head.task === task));

/** The tap of the heat maps from which points are read; undefined where the weights make none. */
export const heatmapsTap = ({ heads }: Architecture): string | undefined => heads.find(({ heatmaps }) => heatmaps)?.heatmaps;

/** What of a network its form leaves open. */
export interface NetworkChoice {
  /** The encoder, by its name: `swin_b`, that of the public weights, unless told otherwise. */
  readonly backbone?: string | undefined;
  /** How deep the paper form's hourglass is; as the paper has it unless told otherwise. */
  readonly hourglass?: HourglassSizes | undefined;
}

const lists = new Map<string, TensorList>();

/**
 * The tensors of one form by name: F32, but for int64 buffers. The same lists stand written out in weights/, from the official code's own state
 * dict: of both forms on Swin-B, and of the paper's on other encoders.
 * @throws FaceXFormerError BAD_OPTION where no backbone has the name
 */
export function tensorsOf(form: Form, choice: NetworkChoice = {}): TensorList {
  mustBe(['released', 'paper'], form, 'form');
  const own = optionsOf<NetworkChoice>('tensorsOf', { backbone: 'any', hourglass: 'any' }, choice);
  const { backbone: name = 'swin_b', hourglass = PAPER_HOURGLASS } = own;
  const { stacks, levels } = given('`hourglass` is { stacks, levels }.', () => ({ ...hourglass }));
  mustBeWhole(stacks, 'hourglass.stacks', 1, 16);
  mustBeWhole(levels, 'hourglass.levels', 1, 3);
  const backbone = backboneNamed(name);
  const key = `${form} ${name} ${stacks} ${levels}`;
  const list = lists.get(key) ?? tensorsOfNetwork({ backbone, heads: headsOf(form, { stacks, levels }) });
  lists.set(key, list);
  return list;
}
