/** `1 rule`, `2 rules`. @param what in the singular */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
