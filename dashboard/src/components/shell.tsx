import { ActionIcon, Menu, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import IconBook from '@tabler/icons-react/dist/esm/icons/IconBook.mjs';
import IconLogout from '@tabler/icons-react/dist/esm/icons/IconLogout.mjs';
import IconMoon from '@tabler/icons-react/dist/esm/icons/IconMoon.mjs';
import IconSearch from '@tabler/icons-react/dist/esm/icons/IconSearch.mjs';
import IconSun from '@tabler/icons-react/dist/esm/icons/IconSun.mjs';
import IconUser from '@tabler/icons-react/dist/esm/icons/IconUser.mjs';
import { sessionQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Session } from '../api/wire.ts';
import { useLostSince } from '../hooks/use-contact.ts';
import { useShortcuts } from '../hooks/use-shortcuts.ts';
import { ConnectionState } from './connection-state.tsx';
import { Kbd } from './kbd.tsx';
import { LostBanner } from './lost-banner.tsx';
import { Mark } from './mark.tsx';
import { Navigation } from './navigation.tsx';
import { Palette } from './palette.tsx';
import styles from './shell.module.css';
import { ShortcutHelp } from './shortcut-help.tsx';
import { Tab } from './tab.tsx';

const FIND_KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘ K' : 'Ctrl K';

/** What surrounds every page: the name, how live it is, and who is looking. */
export function Shell({ session }: { readonly session: Session }) {
  const { live } = useServer();
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);
  const isLost = useLostSince() !== null;
  const [opened, setOpened] = useState<'palette' | 'help' | null>(null);
  const onPalette = useCallback(() => setOpened('palette'), []);
  const onHelp = useCallback(() => setOpened('help'), []);
  const close = useCallback(() => setOpened(null), []);
  useShortcuts({ onPalette, onHelp });
  return (
    <>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <header className={styles.header}>
        <Link to="/" className={styles.home}>
          <Mark />
          <span>Omoi</span>
        </Link>
        <Navigation />
        <div className={styles.tools}>
          <button className={styles.find} type="button" aria-keyshortcuts="Control+K" onClick={onPalette}>
            <IconSearch size={16} stroke={1.7} aria-hidden="true" />
            <span>Find</span>
            <Kbd>{FIND_KEYS}</Kbd>
          </button>
          <ConnectionState />
          <SchemeToggle />
          <UserMenu session={session} />
        </div>
      </header>
      <Tab />
      <LostBanner />
      <main id="content" className={styles.content} data-lost={isLost}>
        <Outlet />
      </main>
      {opened === 'palette' && <Palette onClose={close} onHelp={onHelp} />}
      {opened === 'help' && <ShortcutHelp onClose={close} />}
    </>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={dark ? 'Use light colours' : 'Use dark colours'}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? <IconSun size={18} stroke={1.7} /> : <IconMoon size={18} stroke={1.7} />}
    </ActionIcon>
  );
}

function UserMenu({ session }: { readonly session: Session }) {
  const { client } = useServer();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const logOut = useMutation({
    mutationFn: () => client.logOut(),
    onSuccess: () => {
      queries.clear();
      queries.setQueryData(sessionQuery(client).queryKey, null);
      return navigate({ to: '/login' });
    },
  });
  const { name, role } = session.principal;
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Logged in as ${name}`}>
          <IconUser size={18} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name}, {role}
        </Menu.Label>
        <Menu.Item
          component="a"
          href="/docs"
          target="_blank"
          leftSection={<IconBook size={16} stroke={1.7} />}
        >
          Documentation
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.7} />} onClick={() => logOut.mutate()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
