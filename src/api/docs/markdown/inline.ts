/** Where a link leads, as a page may have it; null: nowhere, and only its text is shown. */
export type HrefOf = (target: string) => string | null;

const NOWHERE: HrefOf = () => null;

/** Code, a link, something strong, something emphasized, or an escaped sign; the first that begins counts. */
const MARKED = new RegExp(
  [
    /(?<ticks>`+)(?!`)(?<code>.*?[^`])\k<ticks>(?!`)/,
    /\[(?<label>(?:`[^`]*`|[^[\]`])*)\]\((?<target>[^()\s]*)\)/,
    /\*\*(?=[^\s*])(?<strong>.*?[^\s*])\*\*/,
    /(?<![\w*])\*(?=[^\s*])(?<emphasis>.*?[^\s*])\*(?![\w*])/,
    /\\(?<escaped>[!-/:-@[-`{-~])/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gs',
);

/** A text of Markdown as HTML, in which everything but its marks is escaped. */
export function renderInline(text: string, hrefOf: HrefOf): string {
  let html = '';
  let at = 0;
  for (const { 0: whole, index, groups = {} } of text.matchAll(MARKED)) {
    html += escapeHtml(text.slice(at, index)) + renderMark(groups, hrefOf);
    at = index + whole.length;
  }
  return html + escapeHtml(text.slice(at));
}

function renderMark(groups: Readonly<Record<string, string | undefined>>, hrefOf: HrefOf): string {
  const { code, label, target = '', strong, emphasis, escaped = '' } = groups;
  if (code !== undefined) return `<code>${escapeHtml(codeText(code))}</code>`;
  if (label !== undefined) return renderLink(renderInline(label, NOWHERE), hrefOf(target));
  if (strong !== undefined) return `<strong>${renderInline(strong, hrefOf)}</strong>`;
  if (emphasis !== undefined) return `<em>${renderInline(emphasis, hrefOf)}</em>`;
  return escapeHtml(escaped);
}

/** In one line; where it begins and ends with a space, as it has to beside a backtick, without these. */
function codeText(code: string): string {
  const line = code.replaceAll('\n', ' ');
  return /^ .*\S.* $/.test(line) ? line.slice(1, -1) : line;
}

/** A way out of the page's server takes no word of where it was followed. */
function renderLink(label: string, href: string | null): string {
  if (href === null || !isFollowed(href)) return label;
  const rel = href.startsWith('http') ? ' rel="noreferrer"' : '';
  return `<a href="${escapeHtml(href)}"${rel}>${label}</a>`;
}

/** A page, a place in it, or a path of this server: never a script. */
function isFollowed(href: string): boolean {
  return /^(?:https?:\/\/|#|\/(?![/\\]))/.test(href);
}

/** A text of Markdown without its marks, escaped. */
export function plainText(text: string): string {
  return renderInline(text, NOWHERE).replace(/<[^>]*>/g, '');
}

/** Text that means itself, in a page and between the quotes of an attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
