/** What the project uses of pngjs, which brings no types of its own. */
declare module 'pngjs' {
  export interface Png {
    width: number;
    height: number;
    /** RGBA, 8 bits each; 16 where a file has those and they are not rescaled. */
    data: Buffer;
  }
  export const PNG: {
    new (size: { width: number; height: number }): Png;
    sync: { read(file: Buffer, options?: { skipRescale?: boolean }): Png; write(png: Png): Buffer };
  };
}
