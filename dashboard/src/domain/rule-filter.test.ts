import { describe, expect, it } from 'vitest';
import { readRuleSearch, readRuleViewSearch, ruleParams } from './rule-filter.ts';

describe('which rules are shown', () => {
  it.each([
    [{}, {}, ''],
    [{ show: 'firing' }, { show: 'firing' }, 'state=firing'],
    [{ show: 'failing', text: 'queue' }, { show: 'failing', text: 'queue' }, 'health=err&text=queue'],
    [{ show: 'all', sort: 'place' }, {}, ''],
    [{ show: 'none', sort: 'colour', text: 5 }, {}, ''],
    [{ show: 'recording', sort: 'cost' }, { show: 'recording', sort: 'cost' }, 'kind=recording&sort=cost'],
  ])('%j', (address, search, asked) => {
    expect(readRuleSearch(address)).toEqual(search);
    expect(ruleParams(readRuleSearch(address)).toString()).toBe(asked);
  });

  it.each([
    [{}, {}],
    [{ history: '24h' }, {}],
    [{ history: '7d' }, { history: '7d' }],
    [{ history: '1y' }, {}],
  ])('%j of the past', (address, search) => {
    expect(readRuleViewSearch(address)).toEqual(search);
  });
});
