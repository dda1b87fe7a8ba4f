/** Every device that is asked for from now on, in this order, for who takes them away. `end` leaves adapters as they were. */
export function devicesFromNowOn(): { readonly devices: GPUDevice[]; end(): void } {
  const devices: GPUDevice[] = [];
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...told) {
    const device = await requestDevice.apply(this, told);
    devices.push(device);
    return device;
  };
  return {
    devices,
    end() {
      GPUAdapter.prototype.requestDevice = requestDevice;
    },
  };
}

/** Does something when a method is called next, just after it. */
export function atNext<Owner extends object>(owner: Owner, method: keyof Owner, then: () => unknown): void {
  const own = owner[method] as (...told: unknown[]) => unknown;
  owner[method] = function (this: unknown, ...told: unknown[]) {
    owner[method] = own as Owner[keyof Owner];
    const answer = own.apply(this, told);
    void then();
    return answer;
  } as Owner[keyof Owner];
}
