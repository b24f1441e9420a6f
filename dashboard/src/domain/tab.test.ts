import { describe, expect, it } from 'vitest';
import type { Headline } from './headline.ts';
import { tabIcon, tabTitle } from './tab.ts';

const headline = (rank: Headline['rank'], text: string): Headline => ({ rank, text, tone: 'bad' });

describe('tabTitle', () => {
  it.each([
    { headline: null, title: 'Fleet · Omoi' },
    { headline: headline('well', 'All is well with 6 agents.'), title: 'Fleet · Omoi' },
    { headline: headline('empty', 'No agents yet.'), title: 'Fleet · Omoi' },
    { headline: headline('critical', '1 critical alert.'), title: '1 critical alert · Fleet · Omoi' },
    {
      headline: headline('paused', 'The watchdog is paused; 3 alerts firing.'),
      title: 'The watchdog is paused · Fleet · Omoi',
    },
  ])('is $title', ({ headline: told, title }) => {
    expect(tabTitle(told, 'Fleet')).toBe(title);
  });
});

describe('tabIcon', () => {
  it('has a dot in the colour of what is wrong, none where nothing is, and no colour where nothing is known', () => {
    const drawn = (tone: Parameters<typeof tabIcon>[0]) => decodeURIComponent(tabIcon(tone));
    expect(drawn('bad')).toContain('fill="#e5483f"');
    expect(drawn('good')).not.toContain('cx="24"');
    expect(drawn('gone')).not.toContain('#147d6f');
  });
});
