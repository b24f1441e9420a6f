import { Document, isMap, isScalar, type Pair } from 'yaml';
import type { OmoiSetting } from './finding.ts';

/**
 * The text of an `omoi.yaml`: each key with the comment that says where its value comes from.
 * @param heading the first lines of it, as comments
 */
export function writeConfiguration(settings: readonly OmoiSetting[], heading: readonly string[]): string {
  const sections = new Map<string, Map<string, unknown>>();
  for (const { path, value } of settings) {
    const [section, key] = path;
    const keys = sections.get(section) ?? new Map<string, unknown>();
    sections.set(section, keys.set(key, value));
  }
  const document = new Document(sections);
  for (const { path, comment } of settings) commentOn(document, path, comment);
  document.commentBefore = heading.map((line) => ` ${line}`).join('\n');
  return document.toString({ lineWidth: 0 });
}

function commentOn(document: Document, path: OmoiSetting['path'], comment: string): void {
  const parent = document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return;
  const key = parent.items.find((item) => nameOf(item) === path.at(-1))?.key;
  // What stands in a comment ends with its line: a file's name may hold anything.
  if (isScalar(key)) key.commentBefore = ` ${comment.replaceAll(/\s+/g, ' ')}`;
}

function nameOf({ key }: Pair): unknown {
  return isScalar(key) ? key.value : key;
}
