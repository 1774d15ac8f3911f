// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole software of the machine that is migrated. It keeps its ConnectX VFs, one
 * to four (the model's test window, docs/simulator.md), writing to its memory, and changing their
 * own state, for ever. In each round it looks whether memory and states are what they have to be; if
 * not, it says so and stops. It knows nothing of migration.
 *
 * On the first serial port: "round N" for each round, or "wrong: ...".
 */
#include <stdint.h>

#define VF_ID		0x101e15b3
#define PAGE		4096
/* After so many rounds all memory is written again, and a VF's state is the same again. */
#define LAP		16
#define MAX_VFS		4

/* Memory that only the VFs write to, each to its own part, one block in each round. */
#define MEMORY		0x800000
#define BLOCK_PAGES	64
#define BLOCK_SIZE	(BLOCK_PAGES * PAGE)
#define PART_OF_MEMORY	(LAP * BLOCK_SIZE)

/* A VF's state, of which one part is changed in each round. */
#define STATE_SIZE	(5 << 20)
#define PARTS		(LAP / 2)
#define PART_DISTANCE	(STATE_SIZE / PARTS)
#define PART_SIZE	8192

enum { SIZE = 0x08, SEED = 0x10, OFFSET = 0x18, LENGTH = 0x20, ADDRESS = 0x28, COUNT = 0x30,
	STRIDE = 0x38, COMMAND = 0x40, STATUS = 0x48, DIGEST = 0x50 };
enum { FILL = 1, TOUCH = 2, TAKE_DIGEST = 3, WRITE = 4 };

static struct vf {
	volatile uint32_t *window;
	uint32_t memory;
	/* Apart from the others'. */
	uint32_t seed;
	/* Of its state, after each round of a lap. */
	uint64_t digests[LAP];
} vfs[MAX_VFS];
static uint32_t count;

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

static void add_vf(uint32_t function)
{
	struct vf *vf = &vfs[count];

	if (count == MAX_VFS)
		stop(" VFs are known of", MAX_VFS);
	if (config(function, 0x14))
		stop(" is the upper half of a VF's address", config(function, 0x14));
	vf->window = (void *)((config(function, 0x10) & ~15) + 0x80000);
	vf->memory = MEMORY + count * PART_OF_MEMORY;
	vf->seed = count << 24;
	/* Memory space, and to be a bus master. */
	config(function, 4);
	out32(0xcfc, 6);
	count++;
}

/* The VFs on the first bus, where firmware has given them addresses. */
static void find_vfs(void)
{
	for (uint32_t device = 0; device < 32; device++)
		if (config(device << 11, 0) == VF_ID)
			add_vf(device << 11);
	if (!count)
		stop(" VFs are here", 0);
}

static void set(struct vf *vf, unsigned int reg, uint64_t value)
{
	vf->window[reg / 4] = value;
	vf->window[reg / 4 + 1] = value >> 32;
}

static void run(struct vf *vf, unsigned int command)
{
	vf->window[COMMAND / 4] = command;
	if (vf->window[STATUS / 4])
		stop(" is the status of a command", vf->window[STATUS / 4]);
}

static uint64_t digest(struct vf *vf)
{
	run(vf, TAKE_DIGEST);
	return vf->window[DIGEST / 4] | (uint64_t)vf->window[DIGEST / 4 + 1] << 32;
}

static uint64_t pattern(uint64_t seed, uint32_t index)
{
	uint64_t word = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
	return word ^ word >> 31;
}

/* Both ends of each page of the block that ROUND has written: the rest is compared from outside. */
static void check_memory(struct vf *vf, uint32_t round)
{
	const uint64_t *words = (void *)(vf->memory + round % LAP * BLOCK_SIZE);
	uint64_t seed = vf->seed + round;

	for (uint32_t page = 0; page < BLOCK_PAGES; page++) {
		uint32_t first = page * (PAGE / 8), last = first + PAGE / 8 - 1;

		if (words[first] != pattern(seed, first) || words[last] != pattern(seed, last))
			stop(" is the round of which a page is lost", round);
	}
}

static void write_memory(struct vf *vf, uint32_t round)
{
	set(vf, ADDRESS, vf->memory + round % LAP * BLOCK_SIZE);
	set(vf, LENGTH, PAGE);
	set(vf, STRIDE, PAGE);
	set(vf, COUNT, BLOCK_PAGES);
	set(vf, SEED, vf->seed + round);
	run(vf, WRITE);
}

/* Each part has one of two contents, so that all states there are come in a lap. */
static void touch_state(struct vf *vf, uint32_t round)
{
	set(vf, OFFSET, round % PARTS * PART_DISTANCE);
	set(vf, LENGTH, PART_SIZE);
	set(vf, SEED, vf->seed + round / PARTS % 2);
	run(vf, TOUCH);
}

/* The first lap makes the states, the second one learns their digests. */
static void check_state(struct vf *vf, uint32_t round)
{
	uint64_t now = digest(vf);

	if (round < 2 * LAP)
		vf->digests[round % LAP] = now;
	else if (vf->digests[round % LAP] != now)
		stop(" is the round after which a VF's state differs", round);
}

static void begin(struct vf *vf)
{
	set(vf, SIZE, STATE_SIZE);
	set(vf, SEED, vf->seed + 1);
	run(vf, FILL);
}

static void go_round(struct vf *vf, uint32_t round)
{
	if (round >= LAP)
		check_memory(vf, round - LAP);
	write_memory(vf, round);
	touch_state(vf, round);
	check_state(vf, round);
}

/* Let the emulator see to its other work: it drops what it does at each of these. */
static void rest(void)
{
	for (int i = 0; i < 1000; i++)
		asm volatile("pause");
}

void guest_main(void)
{
	find_vfs();
	for (uint32_t i = 0; i < count; i++)
		begin(&vfs[i]);
	for (uint32_t round = 0;; round++) {
		for (uint32_t i = 0; i < count; i++)
			go_round(&vfs[i], round);
		print_number("round ", round);
		print("\n");
		rest();
	}
}
