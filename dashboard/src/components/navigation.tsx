import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import IconActivity from '@tabler/icons-react/dist/esm/icons/IconActivity.mjs';
import IconBell from '@tabler/icons-react/dist/esm/icons/IconBell.mjs';
import IconLayoutDashboard from '@tabler/icons-react/dist/esm/icons/IconLayoutDashboard.mjs';
import IconListCheck from '@tabler/icons-react/dist/esm/icons/IconListCheck.mjs';
import IconRobot from '@tabler/icons-react/dist/esm/icons/IconRobot.mjs';
import IconRoute from '@tabler/icons-react/dist/esm/icons/IconRoute.mjs';
import IconTool from '@tabler/icons-react/dist/esm/icons/IconTool.mjs';
import { overviewQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { number } from '../domain/count.ts';
import { PAGES, type PageEntry } from '../domain/pages.ts';
import { useIsPhone } from '../hooks/use-is-phone.ts';
import styles from './navigation.module.css';

type Place = Exclude<PageEntry['to'], `/alerts/${string}`>;

const ICONS: Readonly<Record<Place, typeof IconBell>> = {
  '/': IconLayoutDashboard,
  '/fleet': IconRobot,
  '/tasks': IconListCheck,
  '/alerts': IconBell,
  '/repairs': IconTool,
  '/events': IconActivity,
  '/traces': IconRoute,
};

/** What belongs to another page has no place of its own in the navigation. */
function isPlace(to: PageEntry['to']): to is Place {
  return Object.hasOwn(ICONS, to);
}

/** A longer number would cover the page beside it; its own page says it. */
const MOST_ON_PHONE = 99;

/** The way to every page, and how much there waits to be looked at. On a narrow screen it stands at its lower edge. */
export function Navigation() {
  const { client } = useServer();
  const isPhone = useIsPhone();
  const { data: overview } = useQuery(overviewQuery(client));
  const waiting: Partial<Record<Place, { readonly count: number; readonly what: string }>> = {
    '/alerts': { count: overview?.alerts.firing ?? 0, what: 'firing' },
    '/repairs': { count: overview?.remediations.awaiting_approval ?? 0, what: 'awaiting approval' },
  };
  return (
    <nav className={styles.navigation} aria-label="Pages">
      {PAGES.map(({ to, name }) => {
        if (!isPlace(to)) return null;
        const Icon = ICONS[to];
        const { count = 0, what = '' } = waiting[to] ?? {};
        return (
          <Link
            key={to}
            to={to}
            className={styles.link}
            activeOptions={{ exact: to === '/', includeSearch: false }}
            activeProps={{ 'data-active': true }}
          >
            <Icon size={18} stroke={1.7} aria-hidden="true" />
            <span>{name}</span>
            {count > 0 && (
              <span className={styles.count}>
                {isPhone && count > MOST_ON_PHONE ? `${MOST_ON_PHONE}+` : number(count)}
                <span className="visually-hidden"> {what}</span>
              </span>
            )}
          </Link>
        );
      })}
    </nav>
  );
}
