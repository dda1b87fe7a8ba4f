/** Programs that are wrong in one place: an operand, a bound, an offset, a number, made by a few rules from a program's text. */

/** A kernel's text with one change. */
export interface Mutant {
  /** Line and change, as a report has them. */
  readonly what: string;
  readonly text: string;
}

/** What becomes of what, each a change by itself. */
const RULES: readonly (readonly [RegExp, (found: string) => string])[] = [
  [/ \+ /g, () => ' - '],
  [/ - /g, () => ' + '],
  [/ \* /g, () => ' + '],
  [/ \/ /g, () => ' * '],
  [/ % /g, () => ' / '],
  [/ \+= /g, () => ' -= '],
  [/ < /g, () => ' <= '],
  [/ <= /g, () => ' < '],
  [/ > /g, () => ' >= '],
  [/ >= /g, () => ' > '],
  [/ == /g, () => ' != '],
  [/ && /g, () => ' || '],
  [/ \|\| /g, () => ' && '],
  [/\bmax\(/g, () => 'min('],
  [/\bmin\(/g, () => 'max('],
  [/\b\d+u\b/g, (found) => `${Number.parseInt(found, 10) + 1}u`],
  [/\b\d+\.\d+\b/g, (found) => `${Number(found) * 1.25 + 0.125}`],
  [/\.x\b/g, () => '.y'],
  [/\.y\b/g, () => '.x'],
];

/** Lines that say what there is, and not what is computed; and loops that a change could keep from ending. */
const LEFT = /^\s*(@|override|alias|const [A-Z]|struct|enable|var<workgroup>|while|\/\/)|\b(low|high|middle)\b/;

/** Every mutant of a text, in the text's order. */
export function mutantsOf(wgsl: string): Mutant[] {
  const lines = wgsl.split('\n');
  return lines.flatMap((line, at) => {
    if (LEFT.test(line)) return [];
    const code = line.replace(/\/\/.*/, '');
    const changes = RULES.flatMap(([rule, become]) =>
      [...code.matchAll(rule)].map(({ 0: found, index }) => ({ index, found, changed: become(found) })),
    );
    return changes
      .filter(({ index }) => !isStep(code, index))
      .sort((a, b) => a.index - b.index)
      .map(({ index, found, changed }) => {
        const mutated = `${code.slice(0, index)}${changed}${code.slice(index + found.length)}`;
        return { what: `${code.trim()}  ⟶  ${mutated.trim()}`, text: lines.with(at, mutated).join('\n') };
      });
  });
}

/** Whether it is how far a loop goes at a turn: without that it would not end. */
const isStep = (code: string, index: number): boolean => /^\s*for /.test(code) && index > code.lastIndexOf(';');
