import type { FastifyRequest } from 'fastify';

interface MediaRange {
  readonly type: string;
  /** From 0, not at all, to 1. */
  readonly quality: number;
  readonly place: number;
}

/** Whether a browser asks for a page to show, and no program for an answer to read. */
export function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') ?? false;
}

/**
 * Whether `text/markdown` is named, and no page is rather wanted: by its quality (RFC 9110, 12.5.1), of two alike by which comes
 * first. Who takes anything gets the page.
 */
export function prefersMarkdown({ headers }: FastifyRequest): boolean {
  const ranges = (headers.accept ?? '').split(',').map(rangeOf);
  const markdown = ranges.find(({ type }) => type === 'text/markdown');
  const page = ranges.find(({ type }) => type === 'text/html');
  if (markdown === undefined || markdown.quality === 0) return false;
  if (page === undefined || page.quality !== markdown.quality) return markdown.quality > (page?.quality ?? 0);
  return markdown.place < page.place;
}

function rangeOf(text: string, place: number): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  const said = quality === undefined ? 1 : Number(quality.slice('q='.length));
  return { type, quality: Number.isFinite(said) ? said : 1, place };
}
