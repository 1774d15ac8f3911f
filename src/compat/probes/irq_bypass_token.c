// SPDX-License-Identifier: GPL-2.0-only
/* irq_bypass_producer has a token, which pairs it with its consumer */
#include <linux/irqbypass.h>

void probe(struct irq_bypass_producer *producer, void *token)
{
	producer->token = token;
}
