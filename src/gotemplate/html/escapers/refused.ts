/** What stands in the place of a value that may not stand there: Go's word for it, which can be searched for. */
export const REFUSED = 'ZgotmplZ';
