/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's own rules, for the model. */
#ifndef LATCH_H
#define LATCH_H

#include <stdbool.h>
#include <stdint.h>

/* As the kernel's struct pci_dev has it. */
struct model_function {
	uint32_t domain;
	uint8_t bus, devfn;
	uint16_t vendor, device, subvendor, subdevice;
};

#define MODEL_RULES_SIZE 4096

/* latch.c APIs: */
bool model_rules_are_good(const char *text);
int model_rules_change(char text[MODEL_RULES_SIZE], const char *rule, bool is_new);
void model_rules_latch(const char *text, const struct model_function *function, int tunable,
		       bool *value, char source[80]);
const char *model_tunable_name(int tunable);

#endif
