/**
 * Like `Promise.all`, but where one is rejected it waits for the others before it throws: for work inside a transaction,
 * which must be over when the transaction is rolled back.
 * @throws what the first one, in their order, was rejected with
 */
export async function allSettled<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [At in keyof Work]: Awaited<Work[At]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
