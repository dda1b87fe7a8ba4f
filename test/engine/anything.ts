/** Whatever a caller may give in an argument's place, for fast-check: values of every kind, and objects that fight back. */
import fc from 'fast-check';

const revoked = (target: object) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

/** An object that throws when it is touched, in one way or another; a recipe, since fast-check looks at what it draws. */
class Hostile {
  constructor(readonly make: () => unknown) {}
}

const HOSTILE: readonly (() => unknown)[] = [
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => {}),
  () => new Proxy({}, { get: () => raise('get') }),
  () => new Proxy({}, { ownKeys: () => raise('ownKeys') }),
  () => Object.defineProperty({}, Symbol.toStringTag, { get: () => raise('tag') }),
  () => ({ [Symbol.toStringTag]: 'AbortSignal', aborted: false, addEventListener: () => {} }),
  () => ({ [Symbol.toStringTag]: 'URL', toString: () => raise('toString') }),
  () => ({ [Symbol.toStringTag]: 'Blob', size: -1 }),
  () => ({ [Symbol.toStringTag]: 'VideoFrame' }),
  () => ({ toString: () => raise('toString'), valueOf: () => raise('valueOf') }),
  () => ({ length: 2 ** 53 }),
  () => Object.create(null),
  () => Symbol('of nothing'),
  () => new AbortController(),
  () => new Date(Number.NaN),
  () => new Uint8Array(Reflect.construct(ArrayBuffer, [8, { maxByteLength: 16 }])),
  () => () => {},
];

function raise(what: string): never {
  throw new TypeError(`no ${what}`);
}

export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...HOSTILE).map((make) => new Hostile(make)),
  fc.constantFrom(undefined, null, 0, -0, 1, Number.NaN, Infinity, 1n, '', 'whole', 'auto', true, false, [], {}),
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
    maxDepth: 2,
  }),
);

/** An object of some of these members, or anything else. */
export function membersOf(names: readonly string[], known: Readonly<Record<string, fc.Arbitrary<unknown>>> = {}): fc.Arbitrary<unknown> {
  const member = (name: string) => fc.oneof(...(known[name] ? [known[name]] : []), anything);
  const own = fc.record(Object.fromEntries(names.map((name) => [name, member(name)])), { requiredKeys: [] });
  const throwing = fc
    .constantFrom(...names)
    .map((name) => new Hostile(() => Object.defineProperty({}, name, { enumerable: true, get: () => raise(name) })));
  return fc.oneof({ weight: 6, arbitrary: own }, throwing, anything);
}

/** The value that was drawn, its recipes followed. */
export function made(drawn: unknown): unknown {
  if (drawn instanceof Hostile) return drawn.make();
  if (Array.isArray(drawn)) return drawn.map(made);
  if (Object.prototype.toString.call(drawn) !== '[object Object]' || Object.getPrototypeOf(drawn) !== Object.prototype) return drawn;
  return Object.fromEntries(Object.entries(drawn as object).map(([name, value]) => [name, made(value)]));
}
