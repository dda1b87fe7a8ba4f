/** Times what a compute pass does where the device has no timestamps: by this machine's clock, from the submit to its end. */
import { FaceXFormerError } from '../gpu/errors.ts';
import { refusalOf } from '../gpu/scope.ts';
import { LEAST_MS, type Measured, type Measuring, measured, PassTimer } from './profile.ts';

/** Gives, as `PassTimer` does, the milliseconds of one `encode`, from as many of them in one pass as make it long enough. */
export interface Timer {
  measure(encode: (pass: GPUComputePassEncoder, n: number) => void, measuring?: Measuring): Promise<Measured>;
  destroy(): void;
}

/** Gives a timer that goes by the GPU's own clock, where the device has one. */
export async function timerOf(device: GPUDevice): Promise<Timer> {
  return device.features.has('timestamp-query') ? new PassTimer(device) : SubmitTimer.start(device);
}

export class SubmitTimer implements Timer {
  private constructor(
    private readonly device: GPUDevice,
    /** Milliseconds of a submit that does nothing, which browsers may answer at their leisure: Firefox every 100 ms. */
    private readonly overhead: number,
  ) {}

  static async start(device: GPUDevice): Promise<SubmitTimer> {
    await device.queue.onSubmittedWorkDone();
    const idle = new SubmitTimer(device, 0);
    const times: number[] = [];
    for (let i = 0; i < 3; i++) times.push(await idle.#pass(1, () => {}));
    return new SubmitTimer(device, Math.min(...times));
  }

  measure(encode: (pass: GPUComputePassEncoder, n: number) => void, { known, share = 1 }: Measuring = {}): Promise<Measured> {
    return measured((repeats) => this.#pass(repeats, encode), share * Math.max(LEAST_MS, 4 * this.overhead), known);
  }

  async #pass(repeats: number, encode: (pass: GPUComputePassEncoder, n: number) => void): Promise<number> {
    const { queue } = this.device;
    let start = 0;
    const refused = refusalOf(this.device, () => {
      const encoder = this.device.createCommandEncoder({ label: 'tune' });
      const pass = encoder.beginComputePass();
      for (let n = 0; n < repeats; n++) encode(pass, n);
      pass.end();
      const commands = encoder.finish();
      start = performance.now();
      queue.submit([commands]);
    });
    await queue.onSubmittedWorkDone();
    const took = performance.now() - start - this.overhead;
    const said = await refused;
    if (said) throw new FaceXFormerError('GPU_ERROR', `The GPU refused the measurement: ${said.message}`);
    return Math.max(took, 0);
  }

  destroy(): void {}
}
