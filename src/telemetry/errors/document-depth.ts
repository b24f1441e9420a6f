/** Lists and maps may stand so deep in each other: what reads them goes into itself for each, and has only so much stack. */
export const maxDocumentDepth = 500;

/** Whether lists and maps stand deeper in each other than that; what aliases share is looked at once a level. */
export function isTooDeep(value: unknown): boolean {
  let level = new Set<object>(isNested(value) ? [value] : []);
  for (let depth = 1; level.size > 0; depth++) {
    if (depth > maxDocumentDepth) return true;
    const below = new Set<object>();
    for (const one of level) {
      for (const inner of Object.values(one)) if (isNested(inner)) below.add(inner);
    }
    level = below;
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
