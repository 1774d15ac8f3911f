// SPDX-License-Identifier: GPL-2.0-only
/* mmap() of regions, and touching what was mapped. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

static struct mapping *pick_mapping(void)
{
	return &session.mappings[random_below(NR_MAPPINGS)];
}

void call_map(void)
{
	const struct subject *subject = session.subject;
	struct mapping *mapping = pick_mapping();
	unsigned int region = random_chance(10) ? random_below(NR_REGIONS) : random_below(6);
	uint64_t bar_size = region < 6 ? subject->bar_size[region] : 0;
	uint64_t pages = bar_size / 4096 ?: 1;
	uint64_t offset = random_chance(60) ? 0 : random_below(pages + 1) * 4096;
	uint64_t rest = offset < bar_size ? bar_size - offset : 4096;
	size_t size = random_chance(60) ? rest : random_chance(90) ? 1 + random_below(rest) :
		      RANDOM_OF(0, 4096, 8192, 0x100000, 0x10000000);
	int protection = RANDOM_OF(PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				   PROT_NONE, PROT_READ | PROT_EXEC);
	int flags = random_chance(95) ? MAP_SHARED : MAP_PRIVATE;
	void *memory;

	if (random_chance(3))
		offset = RANDOM_OF(0x1000000000, 0xfffffff000);
	if (mapping->memory)
		munmap(mapping->memory, mapping->size);
	mapping->memory = NULL;
	call_is("map region %u %#llx+%#zx protection %d%s", region, (unsigned long long)offset,
		size, protection, flags == MAP_PRIVATE ? " private" : "");
	memory = mmap(NULL, size, protection, flags, session.fd,
		      session.region_offset[region] + offset);
	call_gives(memory == MAP_FAILED ? -1 : 0);
	if (memory == MAP_FAILED)
		return;
	*mapping = (struct mapping) { memory, region, offset, size };
}

/* Away with a mapping, or to another place with it. */
void call_unmap(void)
{
	struct mapping *mapping = pick_mapping();
	bool is_move = random_chance(50) && !kernel_is("6.1");
	unsigned long place = 0x7000000000UL + (mapping - session.mappings) * 0x100000000UL;
	void *memory;

	call_is("%s mapping %td", is_move ? "move" : "unmap", mapping - session.mappings);
	if (!mapping->memory)
		return;
	if (!is_move) {
		call_gives(munmap(mapping->memory, mapping->size));
		mapping->memory = NULL;
	} else if (mapping->memory != (void *)place) {
		memory = mremap(mapping->memory, mapping->size, mapping->size,
				MREMAP_MAYMOVE | MREMAP_FIXED, (void *)place);
		call_gives(memory == MAP_FAILED ? -1 : 0);
		if (memory != MAP_FAILED)
			mapping->memory = memory;
	}
}

struct touch {
	uint8_t *at;
	unsigned int width;
	uint64_t value;
};

static void load(void *context)
{
	struct touch *touch = context;

	switch (touch->width) {
	case 1:
		touch->value = *(volatile uint8_t *)touch->at;
		break;
	case 2:
		touch->value = *(volatile uint16_t *)touch->at;
		break;
	case 4:
		touch->value = *(volatile uint32_t *)touch->at;
		break;
	default:
		touch->value = *(volatile uint64_t *)touch->at;
	}
}

static void store(void *context)
{
	struct touch *touch = context;

	switch (touch->width) {
	case 1:
		*(volatile uint8_t *)touch->at = touch->value;
		break;
	case 2:
		*(volatile uint16_t *)touch->at = touch->value;
		break;
	case 4:
		*(volatile uint32_t *)touch->at = touch->value;
		break;
	default:
		*(volatile uint64_t *)touch->at = touch->value;
	}
}

static bool overlaps(uint64_t offset, unsigned int width, uint64_t start, uint64_t size)
{
	return offset < start + size && start < offset + width;
}

static bool in_table(const struct mapping *mapping, uint64_t offset, unsigned int width)
{
	const struct subject *subject = session.subject;

	return mapping->region == subject->table_bar &&
	       overlaps(offset, width, subject->table_start, subject->entries_size);
}

/* A register that may be written inside the mapping: where it lies in it, and the value. */
static bool pick_register(const struct mapping *mapping, struct touch *touch, uint64_t *offset)
{
	const struct subject *subject = session.subject;
	const struct writable *writable;

	if (!subject->nr_writable)
		return false;
	writable = &subject->writable[random_below(subject->nr_writable)];
	*offset = writable->start + (random_below(writable->length) & ~3ULL);
	touch->width = 4;
	touch->value = random_value(4) & writable->mask;
	return writable->bar == mapping->region && *offset >= mapping->offset &&
	       *offset + 4 <= mapping->offset + mapping->size;
}

void call_touch_mapping(void)
{
	struct mapping *mapping = pick_mapping();
	struct touch touch = { .width = RANDOM_OF(1, 2, 4, 4, 8) };
	bool is_store = random_chance(40);
	uint64_t offset;

	for (int n = 0; n < NR_MAPPINGS && !mapping->memory; n++)
		mapping = &session.mappings[(mapping - session.mappings + 1) % NR_MAPPINGS];
	if (!mapping->memory) {
		call_map();
		return;
	}
	if (!is_store || !pick_register(mapping, &touch, &offset)) {
		is_store = false;
		offset = mapping->offset + (random_below(mapping->size) & -(uint64_t)touch.width);
	}
	call_is("%s mapping %td region %u %#llx/%u", is_store ? "store in" : "load from",
		mapping - session.mappings, mapping->region, (unsigned long long)offset,
		touch.width);
	touch.at = mapping->memory + (offset - mapping->offset);
	if (is_store)
		call_text(" %llx", (unsigned long long)touch.value);
	if (call_touch(is_store ? store : load, &touch) && !is_store)
		call_text(" %llx", in_table(mapping, offset, touch.width) ? 0ULL :
		       (unsigned long long)touch.value);
	call_events();
}
