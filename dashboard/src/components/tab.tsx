import { useEffect } from 'react';
import { tabIcon, tabTitle } from '../domain/tab.ts';
import { useHeadline } from '../hooks/use-headline.ts';
import { usePageTitle } from '../hooks/use-page-title.ts';

/** Says in the title and the icon of the browser's tab how things stand; and to who hears the page, where they are. */
export function Tab() {
  const headline = useHeadline();
  const page = usePageTitle();
  const title = tabTitle(headline, page);
  const icon = tabIcon(headline?.tone ?? 'good');
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    document.querySelector('link[rel="icon"]')?.setAttribute('href', icon);
  }, [icon]);
  return (
    <p className="visually-hidden" role="status" aria-label="Page">
      {page}
    </p>
  );
}
