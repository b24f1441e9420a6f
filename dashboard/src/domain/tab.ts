import type { Headline } from './headline.ts';
import type { Tone } from './tone.ts';

/** What the browser's tab says: how things stand unless all is well, then the page. */
export function tabTitle(headline: Headline | null, page: string): string {
  const name = `${page} · Omoi`;
  if (headline === null || headline.rank === 'well' || headline.rank === 'empty') return name;
  return `${firstPart(headline.text)} · ${name}`;
}

/** A tab is narrow: what is true besides is left to the page. */
function firstPart(text: string): string {
  return text.split(';', 1)[0]?.replace(/\.$/, '') ?? text;
}

/** The colours of states in a tab, which may be light or dark, whatever the page is. */
const COLOURS: Readonly<Record<Tone, string>> = {
  good: '#2fae78',
  calm: '#2fae78',
  busy: '#3f84e5',
  caution: '#e08a00',
  bad: '#e5483f',
  repair: '#8a6cf0',
  gone: '#8a94a0',
};

/** The icon of the tab: the sign of the product; unless all is well with a dot in the colour of how things stand. */
export function tabIcon(tone: Tone): string {
  const isCalm = tone === 'good' || tone === 'calm';
  const ground = tone === 'gone' ? COLOURS.gone : '#147d6f';
  const dot = isCalm || tone === 'gone' ? '' : `<circle cx="24" cy="8" r="8" fill="${COLOURS[tone]}"/>`;
  const svg = [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">',
    `<rect width="32" height="32" rx="8" fill="${ground}"/>`,
    '<circle cx="16" cy="16" r="7" fill="none" stroke="white" stroke-width="3"/>',
    '<circle cx="16" cy="16" r="2.5" fill="white"/>',
    `${dot}</svg>`,
  ].join('');
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
