/** What the project uses of picomatch, which brings no types of its own. */
declare module 'picomatch' {
  interface Picomatch {
    /** A test of paths for a pattern. */
    (pattern: string): (path: string) => boolean;
    /** The part of a pattern before its first wildcard, and whether there is any. */
    scan(pattern: string): { base: string; isGlob: boolean };
  }
  const picomatch: Picomatch;
  export default picomatch;
}
