/** The same items, the next of them begun while whoever takes them works on one. */
export async function* ahead<Item>(items: AsyncGenerator<Item>): AsyncGenerator<Item> {
  let next = items.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done) return;
      next = items.next();
      next.catch(() => {}); // who awaits it is told
      yield value;
    }
  } finally {
    void next.then(
      () => items.return(undefined),
      () => {},
    );
  }
}
