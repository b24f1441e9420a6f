/** Where an alert's runbook is, by its annotations; null: it names none that a page may lead to. */
export function runbookOf(annotations: Readonly<Record<string, string>>): string | null {
  const url = annotations['runbook_url'] ?? annotations['runbook'];
  // What a rule's author writes is a link, and never a script.
  return url !== undefined && (/^https?:\/\//.test(url) || /^\/(?![/\\])/.test(url)) ? url : null;
}
