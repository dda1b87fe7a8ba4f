/** Which room may import which; test/layers.test.ts holds it, `npx depcruise .` says it, and docs/architecture.md says why. */

/** The floors of the package, from the ground up. A file imports from its own floor and from those below it. */
export const FLOORS = [
  ['gpu', 'kernels', 'checkpoint', 'image'],
  ['graph'],
  ['tune'],
  ['model'],
  ['face'],
  ['engine'],
  ['detect', 'segface', 'video'],
  ['worker'],
];

/** What people use; none of them knows another. */
export const ROOMS = ['cli', 'bench', 'demo'];

const inside = (rooms) => `^src/(${rooms.join('|')})/`;

const floors = FLOORS.slice(0, -1).map((rooms, i) => ({
  name: `${rooms.join('-')}-below`,
  comment: 'A lower floor imports a higher one.',
  severity: 'error',
  from: { path: inside(rooms) },
  to: { path: [inside(FLOORS.slice(i + 1).flat()), '^src/(index|standalone|draw|faces).ts$'] },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycle', comment: 'Files import each other in a circle.', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', comment: 'An import leads nowhere.', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'package-alone',
      comment: 'The package imports something outside src/.',
      severity: 'error',
      from: { path: '^src/' },
      to: { pathNot: '^src/' },
    },
    ...floors,
    {
      name: 'detector-apart',
      comment: 'The detector imports rooms of the other network.',
      severity: 'error',
      from: { path: '^src/detect/' },
      to: { path: inside(['tune', 'model', 'face', 'engine', 'video']) },
    },
    ...ROOMS.map((room) => ({
      name: `${room}-alone`,
      comment: 'Command line, benchmark and demo import each other; what they share is in tools/.',
      severity: 'error',
      from: { path: `^${room}/` },
      to: { path: `^(${ROOMS.filter((other) => other !== room).join('|')})/` },
    })),
    {
      name: 'shared-below',
      comment: 'What the rooms share, or the ONNX export, imports one of them.',
      severity: 'error',
      from: { path: '^(tools|onnx)/' },
      to: { path: `^(${ROOMS.join('|')}|scripts)/` },
    },
    {
      name: 'tools-below',
      comment: 'The shared tools import the ONNX export.',
      severity: 'error',
      from: { path: '^tools/' },
      to: { path: '^onnx/' },
    },
    {
      name: 'no-tests',
      comment: 'What is no test imports one.',
      severity: 'error',
      from: { pathNot: '^(test|scripts)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    parser: 'swc', // TypeScript 7 has no parser that a library could call
    tsPreCompilationDeps: true, // an import of a type is one too
    exclude: { path: '^(node_modules|dist|\\.cache|out)/' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
