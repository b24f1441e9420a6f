/** Resolves when it is so; for what real processes do, which no event tells of. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not come true');
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
