/** What tests and benchmarks use of pngjs, which brings no types of its own. */
declare module 'pngjs' {
  export interface Png {
    width: number;
    height: number;
    /** RGBA, 8 bits each. */
    data: Buffer;
  }
  export const PNG: {
    new (size: { width: number; height: number }): Png;
    sync: { read(file: Buffer): Png; write(png: Png): Buffer };
  };
}
