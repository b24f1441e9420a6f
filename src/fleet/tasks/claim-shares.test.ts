import { expect, it } from 'vitest';
import { ClaimShares } from './claim-shares.ts';

const claim = (owner: string, ticket: number, places = 1) => ({ owner, ticket, places });

/** What waits, in the order of its tickets, as `owner places`. */
function waiting(...claims: readonly string[]) {
  const shares = new ClaimShares<ReturnType<typeof claim>>();
  const all = claims.map((text, at) => {
    const [owner = '', places = '1'] = text.split(' ');
    return claim(owner, at, Number(places));
  });
  for (const one of all) shares.enter(one);
  return { shares, all };
}

it.each([
  ['of who has the most', ['a', 'a', 'b', 'a'], 'b', 4, 3],
  ['of none where its owner has as many as the others', ['a', 'a', 'b', 'b'], 'b', 4, null],
  ['of none where its owner has more', ['a', 'b', 'b', 'b'], 'b', 4, null],
  ['for an owner who has none yet', ['a', 'a', 'b', 'b'], 'c', 4, 1],
  ['of none where each has one', ['a', 'b', 'c'], 'd', 3, null],
  [
    'for the second claim of an owner where there are three for each',
    ['a', 'a', 'a', 'a', 'a', 'b'],
    'b',
    6,
    4,
  ],
])('the newest claim %s makes room', (_, claims, owner, max, displaced) => {
  const { shares } = waiting(...claims);
  expect(shares.displacedBy(owner, 'claims', max)?.ticket ?? null).toBe(displaced);
});

it('places in lines are shared where these are what there is too little of', () => {
  const { shares } = waiting('a', 'a', 'a', 'b 20');
  expect(shares.displacedBy('c', 'places', 23)?.ticket).toBe(3);
  expect(shares.displacedBy('c', 'claims', 4)?.ticket).toBe(2);
});

it('who has left has no part, and who comes back with an old ticket is not the newest', () => {
  const { shares, all } = waiting('a', 'b', 'a', 'a');
  const [first, ofB, , last] = all;
  if (!first || !ofB || !last) throw new Error('there are four');
  shares.leave(ofB);
  shares.leave(first);
  shares.enter(first);
  expect(shares.displacedBy('b', 'claims', 4)).toBe(last);
});
