import { escapeHtml, plainText, renderInline, type HrefOf } from './inline.ts';
import { parseMarkdown, type Block, type Heading } from './parse.ts';

/** Markdown of our own pages as HTML. @param hrefOf where a link leads; left out: where it says */
export function renderMarkdown(text: string, hrefOf: HrefOf = (target) => target): string {
  return renderBlocks(parseMarkdown(text), hrefOf);
}

/** Blocks as HTML, one under the other. */
export function renderBlocks(blocks: readonly Block[], hrefOf: HrefOf): string {
  return blocks.map((block) => renderBlock(block, hrefOf)).join('\n');
}

function renderBlock(block: Block, hrefOf: HrefOf): string {
  switch (block.kind) {
    case 'heading':
      return renderHeading(block, hrefOf);
    case 'paragraph':
      return `<p>${renderInline(block.text, hrefOf)}</p>`;
    case 'code':
      // Who has no pointer scrolls what is wider than the page by the arrow keys.
      return `<pre tabindex="0"><code>${escapeHtml(block.text)}</code></pre>`;
    case 'list':
      return renderList(block, hrefOf);
    case 'table':
      return renderTable(block, hrefOf);
  }
}

/** With a link to itself, so that somebody can be shown the place. */
function renderHeading({ level, text, anchor }: Heading, hrefOf: HrefOf): string {
  const link =
    level === 1 ? '' : ` <a class="anchor" href="#${anchor}" aria-label="Link to ${plainText(text)}">#</a>`;
  return `<h${level} id="${anchor}">${renderInline(text, hrefOf)}${link}</h${level}>`;
}

function renderList({ start, isLoose, items }: Block & { kind: 'list' }, hrefOf: HrefOf): string {
  const tag = start === null ? 'ul' : 'ol';
  const from = start === null || start === 1 ? '' : ` start="${start}"`;
  const rows = items.map((blocks) => `<li>${renderItem(blocks, { isLoose, hrefOf })}</li>`);
  return [`<${tag}${from}>`, ...rows, `</${tag}>`].join('\n');
}

interface ItemOptions {
  readonly isLoose: boolean;
  readonly hrefOf: HrefOf;
}

function renderItem(blocks: readonly Block[], { isLoose, hrefOf }: ItemOptions): string {
  return blocks
    .map((block) =>
      block.kind === 'paragraph' && !isLoose ? renderInline(block.text, hrefOf) : renderBlock(block, hrefOf),
    )
    .join('\n');
}

/** Tables of more columns have no room on a phone: there each row is a list of what is in its cells, by their columns' names. */
const maxColumnsOnPhone = 2;

/** A header without a word is none: the table is a list of pairs then. */
function renderTable({ header, rows }: Block & { kind: 'table' }, hrefOf: HrefOf): string {
  const isNamed = header.some((cell) => cell !== '');
  const isWide = isNamed && header.length > maxColumnsOnPhone;
  const row = (cells: readonly string[], tag: 'th' | 'td'): string => {
    const rendered = cells.map((cell, column) => {
      const name = isWide && tag === 'td' ? ` data-column="${plainText(header[column] ?? '')}"` : '';
      return `<${tag}${name}>${renderInline(cell, hrefOf)}</${tag}>`;
    });
    return `<tr>${rendered.join('')}</tr>`;
  };
  const named = isNamed ? header.map(plainText).join(', ') : 'in pairs';
  return [
    `<div class="table${isWide ? ' wide' : ''}" role="group" aria-label="Table: ${named}" tabindex="0"><table>`,
    ...(isNamed ? [`<thead>${row(header, 'th')}</thead>`] : []),
    '<tbody>',
    ...rows.map((cells) => row(cells, 'td')),
    '</tbody></table></div>',
  ].join('\n');
}
