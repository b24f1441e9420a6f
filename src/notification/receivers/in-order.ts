/** What becomes of each item, one after the other: the first template that fails is the one that is told of. */
export async function inOrder<Item, Result>(
  items: readonly Item[],
  become: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await become(item));
  return results;
}
