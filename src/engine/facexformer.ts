/** FaceXFormer as apps load it. */
import { type FaceXFormerConfig, readConfig } from '../face/config.ts';
import type { Task } from '../face/labels.ts';
import type { Recovery } from '../gpu/recovery.ts';
import { Engine } from './engine.ts';
import type { Loaded } from './load.ts';
import type { EngineInfo, LoadOptions } from './options.ts';
import { loadLasting } from './recovery.ts';

/**
 * The network on one GPU, its weights loaded and its kernels compiled. Made by `load`; `analyze` takes pictures until `dispose`.
 * Nothing of it leaves the page.
 */
export class FaceXFormer<Loads extends Task = Task> extends Engine<Loads> {
  readonly #form: EngineInfo['form'];

  private constructor(recovery: Recovery<Loaded<FaceXFormerConfig>>) {
    super(recovery);
    this.#form = recovery.now.config.form;
  }

  override get info(): EngineInfo {
    return { ...super.info, form: this.#form };
  }

  /**
   * Opens the GPU, compiles the kernels while the weights arrive, and uploads the weights tensor by tensor.
   * @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, GPU_ERROR, DEVICE_LOST, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE,
   * UNKNOWN_TASK, BAD_OPTION, ABORTED
   */
  static async load<Asked extends Task = Task>(options: LoadOptions<Asked>): Promise<FaceXFormer<Asked>> {
    return new FaceXFormer<Asked>(await loadLasting(options, readConfig));
  }
}
