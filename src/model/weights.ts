/** Names of the checkpoint's tensors, module by module, as PyTorch nests them. */

/** A module of the checkpoint: `w.at('mlp.0').name('weight')` is the tensor `....mlp.0.weight`. */
export class Weights {
  constructor(readonly path = '') {}

  at(module: string | number): Weights {
    return new Weights(this.path === '' ? String(module) : `${this.path}.${module}`);
  }

  name(tensor: string): string {
    return this.at(tensor).path;
  }
}
