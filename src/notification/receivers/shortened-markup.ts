/** What stands in the place of what was cut off. */
const ELLIPSIS = '…';

/** How long a text with markup may be, in UTF-16 units. */
export interface MarkupLimits {
  /** Of what is seen: tags are nothing, an entity like `&amp;` is one. */
  readonly maxVisible: number;
  /** Of what is sent. */
  readonly maxWritten: number;
}

const TOKEN = /<(\/?)([a-zA-Z][\w-]*)[^>]{0,2048}?(\/?)>|&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);|[^]/gu;

/**
 * HTML as chat programs take it, cut where it is too long: never within a tag or an entity, what is open is closed again, and `…`
 * stands in the place of the rest.
 */
export function shortenedHtml(html: string, { maxVisible, maxWritten }: MarkupLimits): string {
  const open = new OpenTags();
  let visible = 0;
  let cut: string | null = null;
  for (const { 0: token, 1: slash, 2: tag, 3: selfClosing, index } of html.matchAll(TOKEN)) {
    const ending = ELLIPSIS + open.closing;
    if (visible < maxVisible && index + ending.length <= maxWritten) cut = html.slice(0, index) + ending;
    if (tag === undefined) visible += token.startsWith('&') && token.length > 1 ? 1 : token.length;
    else if (slash === '/') open.close(tag);
    else if (selfClosing === '') open.open(tag);
    if (visible > maxVisible || index + token.length > maxWritten) return cut ?? '';
  }
  return html;
}

/** The tags that are open at a place, and what closes them all: it is asked for at every character. */
class OpenTags {
  readonly #tags: string[] = [];
  #closing = '';

  get closing(): string {
    return this.#closing;
  }

  open(tag: string): void {
    this.#tags.push(tag);
    this.#closing = `</${tag}>${this.#closing}`;
  }

  /** A tag that is not open is not closed. */
  close(tag: string): void {
    const at = this.#tags.lastIndexOf(tag);
    if (at < 0) return;
    this.#tags.splice(at, 1);
    const isInnermost = at === this.#tags.length;
    this.#closing = isInnermost ? this.#closing.slice(`</${tag}>`.length) : closingTags(this.#tags);
  }
}

function closingTags(open: readonly string[]): string {
  return open
    .toReversed()
    .map((tag) => `</${tag}>`)
    .join('');
}

/** The markers of chat Markdown that open something and close it again; the longer ones first. */
const MARKDOWN_V2_MARKERS = ['```', '||', '__', '*', '_', '~', '`'];
const MARKDOWN_MARKERS = ['```', '*', '_', '`'];

/**
 * Telegram's Markdown, cut where it is too long and nothing is open: a marker without its second half would have the whole message
 * refused.
 * @returns null where half of the room would be lost so: it is better sent without markup
 */
export function shortenedMarkdown(
  markdown: string,
  maxCharacters: number,
  dialect: 'Markdown' | 'MarkdownV2',
): string | null {
  if (markdown.length <= maxCharacters) return markdown;
  const markers = dialect === 'Markdown' ? MARKDOWN_MARKERS : MARKDOWN_V2_MARKERS;
  let safe = 0;
  let open: readonly string[] = [];
  for (let at = 0; at < maxCharacters;) {
    if (open.length === 0) safe = at;
    const marker = markers.find((each) => markdown.startsWith(each, at) && mayStand(each, open));
    if (markdown[at] === '\\') at += 2;
    else if (marker !== undefined) {
      open = toggled(open, marker);
      at += marker.length;
    } else {
      open = withLinks(open, markdown, at);
      at += (markdown.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    }
  }
  return safe >= maxCharacters / 2 ? markdown.slice(0, safe) + ELLIPSIS : null;
}

/** Within code, only the end of the code counts. */
function mayStand(marker: string, open: readonly string[]): boolean {
  const last = open.at(-1);
  return last !== '`' && last !== '```' ? true : marker === last;
}

function toggled(open: readonly string[], marker: string): readonly string[] {
  return open.includes(marker) ? open.filter((each) => each !== marker) : [...open, marker];
}

/** `[text](address)` is open from its bracket to its parenthesis. */
function withLinks(open: readonly string[], markdown: string, at: number): readonly string[] {
  const isCode = !mayStand('', open);
  if (isCode) return open;
  const character = markdown[at];
  if (character === '[' && !open.includes('[')) return [...open, '['];
  if (character === ']' && markdown[at + 1] !== '(') return open.filter((each) => each !== '[');
  if (character === ')') return open.filter((each) => each !== '[');
  return open;
}
