/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and ids of PCI functions, as text and as numbers. Pure logic. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Eight digits of domain, ":BB:DD.F" and the NUL byte. */
#define ADDRESS_SIZE 17

struct address {
	uint32_t domain;
	uint8_t bus;
	uint8_t slot;
	uint8_t function;
};

struct pci_ids {
	uint16_t vendor;
	uint16_t device;
	uint16_t subvendor;
	uint16_t subdevice;
};

/* address.c APIs: */
bool address_parse(const char *text, struct address *address);
void address_format(char text[ADDRESS_SIZE], const struct address *address);
bool address_equal(const struct address *one, const struct address *other);
uint16_t address_routing_id(const struct address *address);
bool ids_parse(const char *text, struct pci_ids *ids, bool *has_subsystem);

#endif
