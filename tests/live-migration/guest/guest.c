// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole software of the machine that is migrated. It keeps a ConnectX VF (the model's test
 * window, docs/simulator.md) writing to its memory, and changing its own state, for ever. In each
 * round it looks whether memory and state are what they have to be; if not, it says so and stops.
 * It knows nothing of migration.
 *
 * On the first serial port: "round N" for each round, or "wrong: ...".
 */
#include <stdint.h>

#define VF_ID		0x101e15b3
#define PAGE		4096
/* After so many rounds all memory is written again, and the VF's state is the same again. */
#define LAP		16

/* Memory that only the VF writes to, one block in each round. */
#define MEMORY		0x800000
#define BLOCK_PAGES	64
#define BLOCK_SIZE	(BLOCK_PAGES * PAGE)

/* The VF's state, of which one part is changed in each round. */
#define STATE_SIZE	(5 << 20)
#define PARTS		(LAP / 2)
#define PART_DISTANCE	(STATE_SIZE / PARTS)
#define PART_SIZE	8192

enum { SIZE = 0x08, SEED = 0x10, OFFSET = 0x18, LENGTH = 0x20, ADDRESS = 0x28, COUNT = 0x30,
       STRIDE = 0x38, COMMAND = 0x40, STATUS = 0x48, DIGEST = 0x50 };
enum { FILL = 1, TOUCH = 2, TAKE_DIGEST = 3, WRITE = 4 };

static volatile uint32_t *window;

static void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void out32(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void print(const char *text)
{
	for (; *text; text++) {
		while (!(in8(0x3f8 + 5) & 0x20))
			;
		out8(0x3f8, *text);
	}
}

static void print_number(const char *label, uint32_t number)
{
	char digits[12], *first = digits + sizeof(digits) - 1;

	*first = 0;
	do {
		*--first = '0' + number % 10;
		number /= 10;
	} while (number);
	print(label);
	print(first);
}

static void __attribute__((noreturn)) stop(const char *why, uint32_t number)
{
	print_number("wrong: ", number);
	print(why);
	print("\n");
	for (;;)
		asm volatile("cli; hlt");
}

static uint32_t config(uint32_t function, uint32_t offset)
{
	out32(0xcf8, 0x80000000 | function | offset);
	return in32(0xcfc);
}

/* The VF on the first bus, where firmware has given it addresses. */
static void find_vf(void)
{
	for (uint32_t device = 0; device < 32; device++) {
		uint32_t function = device << 11;

		if (config(function, 0) != VF_ID)
			continue;
		if (config(function, 0x14))
			stop(" is the upper half of the VF's address", config(function, 0x14));
		window = (void *)((config(function, 0x10) & ~15) + 0x80000);
		/* Memory space, and to be a bus master. */
		config(function, 4);
		out32(0xcfc, 6);
		return;
	}
	stop(" VFs are here", 0);
}

static void set(unsigned int reg, uint64_t value)
{
	window[reg / 4] = value;
	window[reg / 4 + 1] = value >> 32;
}

static void run(unsigned int command)
{
	window[COMMAND / 4] = command;
	if (window[STATUS / 4])
		stop(" is the status of a command", window[STATUS / 4]);
}

static uint64_t digest(void)
{
	run(TAKE_DIGEST);
	return window[DIGEST / 4] | (uint64_t)window[DIGEST / 4 + 1] << 32;
}

static uint64_t pattern(uint64_t seed, uint32_t index)
{
	uint64_t word = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
	return word ^ word >> 31;
}

/* Both ends of each page of the block that ROUND has written: the rest is compared from outside. */
static void check_memory(uint32_t round)
{
	const uint64_t *words = (void *)(MEMORY + round % LAP * BLOCK_SIZE);

	for (uint32_t page = 0; page < BLOCK_PAGES; page++) {
		uint32_t first = page * (PAGE / 8), last = first + PAGE / 8 - 1;

		if (words[first] != pattern(round, first) || words[last] != pattern(round, last))
			stop(" is the round of which a page is lost", round);
	}
}

static void write_memory(uint32_t round)
{
	set(ADDRESS, MEMORY + round % LAP * BLOCK_SIZE);
	set(LENGTH, PAGE);
	set(STRIDE, PAGE);
	set(COUNT, BLOCK_PAGES);
	set(SEED, round);
	run(WRITE);
}

/* Each part has one of two contents, so that all states there are come in a lap. */
static void touch_state(uint32_t round)
{
	set(OFFSET, round % PARTS * PART_DISTANCE);
	set(LENGTH, PART_SIZE);
	set(SEED, round / PARTS % 2);
	run(TOUCH);
}

/* The first lap makes the states, the second one learns their digests. */
static void check_state(uint32_t round)
{
	static uint64_t digests[LAP];
	uint64_t now = digest();

	if (round < 2 * LAP)
		digests[round % LAP] = now;
	else if (digests[round % LAP] != now)
		stop(" is the round after which the VF's state differs", round);
}

/* Let the emulator see to its other work: it drops what it does at each of these. */
static void rest(void)
{
	for (int i = 0; i < 1000; i++)
		asm volatile("pause");
}

void guest_main(void)
{
	find_vf();
	set(SIZE, STATE_SIZE);
	set(SEED, 1);
	run(FILL);
	for (uint32_t round = 0;; round++) {
		if (round >= LAP)
			check_memory(round - LAP);
		write_memory(round);
		touch_state(round);
		check_state(round);
		print_number("round ", round);
		print("\n");
		rest();
	}
}
