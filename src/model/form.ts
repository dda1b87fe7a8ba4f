/** What sets one form of the model apart from the other. A form is a configuration: its data, and the little that it alone computes. */
import type { Form, HourglassSizes, TensorList } from '../checkpoint/tensors.ts';
import type { Task } from '../face/labels.ts';
import type { Tensor } from '../graph/graph.ts';
import type { Config, TaskTokens } from './config.ts';
import type { Target } from './lowering.ts';
import type { Weights } from './weights.ts';

export interface ModelForm {
  readonly name: Form;
  /** In the decoder's order: a task, its embedding, its head. */
  readonly order: readonly (readonly [Task, string, string])[];
  /** How deep the landmarks' hourglass of these weights is; absent where there is none. */
  hourglassOf?(tensors: TensorList): HourglassSizes;
  /** The tensors that weights of this form hold. */
  tensors(hourglass?: HourglassSizes): TensorList;
  /**
   * Adds a task's raw output to the graph, named as the task, of what its MLPs gave. `made`: [images * count, out]; `face`: the face tokens
   * after the decoder; the batch dimension of what is read is PyTorch's.
   */
  addOutput(t: Target, task: TaskTokens, made: Tensor, face: Tensor, config: Config, w: Weights): void;
}
