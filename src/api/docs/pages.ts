import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorsPage, OmoiError } from '#telemetry';
import { plainText } from './markdown/inline.ts';

/** A page of the documentation that this installation has. */
export interface DocsPage {
  /** Below `/docs/`: `monitoring/otlp`. */
  readonly name: string;
  /** Markdown. */
  readonly title: string;
  /** Markdown. @throws OmoiError `not_found` when its file has gone */
  text(): Promise<string>;
}

export interface Shelf {
  readonly title: string;
  readonly pages: readonly DocsPage[];
}

/** In the order in which they are best read. */
export const SHELVES: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  {
    title: 'Begin',
    names: ['tutorial', 'migrating', 'integration', 'configuration', 'operations', 'dashboard'],
  },
  {
    title: 'Watch',
    names: [
      'monitoring/metrics',
      'monitoring/promql',
      'monitoring/otlp',
      'alerting/rules',
      'observability/setup',
    ],
  },
  {
    title: 'Tell',
    names: [
      'alerting/alerts',
      'alerting/routing',
      'alerting/receivers',
      'alerting/receivers-more',
      'alerting/templates',
      'alerting/silences',
      'alerting/on-call',
    ],
  },
  { title: 'Repair', names: ['watchdog/judgement', 'watchdog/policies', 'watchdog/maintenance', 'gamedays'] },
  { title: 'Look up', names: ['cli', 'http', 'errors', 'events', 'access', 'isolation'] },
];

/** Where the runbooks of rules stand, among the pages. */
export const RUNBOOKS = 'runbooks/';

const EXTENSION = '.md';
const HEADING = /^# (.+)$/m;
const ERRORS = 'errors';

/**
 * The pages in the installation's folder, by name. What errors mean the server knows itself: that page is there without a file.
 * @param directory null or a missing folder: there is only that one
 */
export function readPages(directory: string | null): ReadonlyMap<string, DocsPage> {
  const errors = errorsPage();
  const pages = directory === null ? [] : namesIn(directory).map((name) => pageIn(directory, name));
  const own = { name: ERRORS, title: titleOf(errors, ERRORS), text: () => Promise.resolve(errors) };
  return new Map([...pages, own].map((page) => [page.name, page]));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith(EXTENSION))
      .map((path) => path.slice(0, -EXTENSION.length))
      .toSorted();
  } catch {
    return [];
  }
}

function pageIn(directory: string, name: string): DocsPage {
  const file = join(directory, `${name}${EXTENSION}`);
  const text = async (): Promise<string> => {
    try {
      return await readFile(file, 'utf8');
    } catch (thrown) {
      throw new OmoiError(
        'not_found',
        `the file of the page /docs/${name} can't be read any more`,
        {},
        thrown,
      );
    }
  };
  return { name, title: titleOf(readFileSync(file, 'utf8'), name), text };
}

function titleOf(text: string, name: string): string {
  const [, title = name] = HEADING.exec(text) ?? [];
  return title;
}

/** All pages on their shelves; runbooks and those that no shelf names stand on two more, by name. */
export function shelve(pages: ReadonlyMap<string, DocsPage>): readonly Shelf[] {
  const named = new Set(SHELVES.flatMap(({ names }) => names));
  const left = [...pages.keys()].filter((name) => !named.has(name));
  const runbooks = left.filter((name) => name.startsWith(RUNBOOKS));
  const others = left.filter((name) => !name.startsWith(RUNBOOKS));
  return [...SHELVES, { title: 'Runbooks', names: runbooks }, { title: 'More', names: others }]
    .map(({ title, names }) => ({ title, pages: names.flatMap((name) => pages.get(name) ?? []) }))
    .filter((shelf) => shelf.pages.length > 0);
}

/** Of a page, escaped, as it stands in lists and in the title of a browser's tab. */
export function plainTitle({ title }: DocsPage): string {
  return plainText(title);
}
