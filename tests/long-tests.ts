/**
 * Whether tests that take minutes are done as well, in `npm run test:long`. What they show takes part in every `npm test`
 * too, in less time: fewer kills, shorter outages, one of several cases.
 */
export const isLong = process.env['OMOI_LONG'] === '1';
