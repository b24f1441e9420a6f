/** The key of what the server says of the queue, and not of its configuration. */
export const QUEUE = 'tasks';

/** Those warnings that are about tasks. */
export function warningsOfTasks<Warning extends { readonly key: string }>(
  warnings: readonly Warning[],
): readonly Warning[] {
  return warnings.filter(({ key }) => key === QUEUE);
}
