// SPDX-License-Identifier: GPL-2.0-only
/* Addresses that were reported to us, but not to the user: see owed.h. */
#include <linux/interval_tree.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "owed.h"

/**
 * latch_owed_init - begin with nothing owed
 * @owed: initialised
 */
void latch_owed_init(struct latch_owed *owed)
{
	owed->ranges = RB_ROOT_CACHED;
	owed->nr = 0;
}

/**
 * latch_owed_free - forget everything that is owed
 * @owed: not to be used after this
 */
void latch_owed_free(struct latch_owed *owed)
{
	struct interval_tree_node *node, *next;

	rbtree_postorder_for_each_entry_safe(node, next, &owed->ranges.rb_root, rb)
		kfree(node);
}

static struct interval_tree_node *first(struct latch_owed *owed, u64 start, u64 last)
{
	return interval_tree_iter_first(&owed->ranges, start, last);
}

static void take_out(struct latch_owed *owed, struct interval_tree_node *node)
{
	interval_tree_remove(node, &owed->ranges);
	owed->nr--;
}

/* Removes ranges that have addresses from @from to @to, and widens @start and @last to them. */
static void absorb(struct latch_owed *owed, u64 from, u64 to, u64 *start, u64 *last)
{
	struct interval_tree_node *node;

	while ((node = first(owed, from, to))) {
		*start = min_t(u64, *start, node->start);
		*last = max_t(u64, *last, node->last);
		take_out(owed, node);
		kfree(node);
	}
}

static int insert(struct latch_owed *owed, u64 start, u64 last)
{
	struct interval_tree_node *node = kmalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (!node)
		return -ENOMEM;
	if (owed->nr == LATCH_OWED_MAX)
		absorb(owed, 0, U64_MAX, &start, &last);
	node->start = start;
	node->last = last;
	interval_tree_insert(node, &owed->ranges);
	owed->nr++;
	return 0;
}

/**
 * latch_owed_add - owe addresses
 * @owed: what is owed
 * @start: the first
 * @last: the last
 *
 * Addresses that were owed before are still owed only once.
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int latch_owed_add(struct latch_owed *owed, u64 start, u64 last)
{
	struct interval_tree_node *node = first(owed, start, last);

	if (node && node->start <= start && node->last >= last)
		return 0;
	absorb(owed, start, last, &start, &last);
	return insert(owed, start, last);
}

/**
 * latch_owed_tell - set bits for owed addresses that were asked about, which ends the debt
 * @owed: what is owed
 * @asked: addresses
 * @dirty: gets the bits
 *
 * Context: may sleep, and wait for user memory.
 *
 * Return: 0 or -ENOMEM.
 */
int latch_owed_tell(struct latch_owed *owed, const struct latch_range *asked,
		    struct iova_bitmap *dirty)
{
	struct interval_tree_node *node;
	int ret = 0;

	while (!ret && (node = first(owed, asked->start, asked->last))) {
		const u64 start = max_t(u64, node->start, asked->start);
		const u64 last = min_t(u64, node->last, asked->last);

		take_out(owed, node);
		latch_set_dirty(dirty, asked, start, last - start + 1);
		if (node->start < start)
			ret = insert(owed, node->start, start - 1);
		if (!ret && node->last > last)
			ret = insert(owed, last + 1, node->last);
		kfree(node);
	}
	return ret;
}
