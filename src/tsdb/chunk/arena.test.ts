import { expect, test } from 'vitest';
import { Arena, LARGEST_SLOT_CLASS, slotBytes } from './arena.ts';

test('slots and blocks never overlap', () => {
  const arena = new Arena();
  const taken: { address: number; length: number; mark: number }[] = [];
  for (let at = 0; at < 3000; at++) {
    const slotClass = at % (LARGEST_SLOT_CLASS + 1);
    const address = arena.takeSlot(slotClass);
    const length = slotBytes(slotClass);
    arena.pageOf(address).fill(at % 251, arena.offsetOf(address), arena.offsetOf(address) + length);
    taken.push({ address, length, mark: at % 251 });
    const block = new Uint8Array(1 + (at % 400)).fill((at + 1) % 251);
    taken.push({ address: arena.storeBlock(block), length: block.length, mark: (at + 1) % 251 });
  }
  for (const { address, length, mark } of taken) {
    const offset = arena.offsetOf(address);
    expect(address).not.toBe(0);
    expect(
      arena
        .pageOf(address)
        .subarray(offset, offset + length)
        .every((byte) => byte === mark),
    ).toBe(true);
  }
});

test('memory that is given back is used again, whatever for', () => {
  const arena = new Arena();
  const fill = (slotClass: number): number[] =>
    Array.from({ length: Math.floor(8_000_000 / slotBytes(slotClass)) }, () => arena.takeSlot(slotClass));
  const block = new Uint8Array(1000);
  let reserved = 0;
  for (let round = 0; round < 20; round++) {
    for (const address of fill(round % (LARGEST_SLOT_CLASS + 1))) arena.returnSlot(address);
    const blocks = Array.from({ length: 4000 }, () => arena.storeBlock(block));
    for (const address of blocks) arena.freeBlock(address, block.length);
    if (round === 0) reserved = arena.reservedBytes;
  }
  expect(arena.reservedBytes).toBeLessThanOrEqual(reserved + 3 * 1024 * 1024);
});
