// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "device/address.h"

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (found - digits) % 16 : -1;
}

/* Reads exactly @digits hexadecimal digits and moves @text behind them. */
static bool take_hex(const char **text, unsigned int digits, uint32_t *value)
{
	*value = 0;
	for (; digits; digits--, (*text)++) {
		int digit = hex_digit(**text);

		if (digit < 0)
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* Parses DDDD:BB:DD.F; a domain may have up to eight digits, or be left out if it is 0. */
bool address_parse(const char *text, struct address *address)
{
	uint32_t domain = 0, bus, slot, function;
	size_t digits = strcspn(text, ":");

	if (digits != 2 && (digits < 4 || digits > 8 || !take_hex(&text, digits, &domain) ||
			    !take_char(&text, ':')))
		return false;
	if (!take_hex(&text, 2, &bus) || !take_char(&text, ':') ||
	    !take_hex(&text, 2, &slot) || !take_char(&text, '.') ||
	    !take_hex(&text, 1, &function) || *text || slot > 0x1f || function > 7)
		return false;

	*address = (struct address){ domain, bus, slot, function };
	return true;
}

/* Writes @address as sysfs does, and as rules need it. */
void address_format(char text[ADDRESS_SIZE], const struct address *address)
{
	snprintf(text, ADDRESS_SIZE, "%04x:%02x:%02x.%x", address->domain, address->bus,
		 address->slot & 0x1f, address->function & 7);
}

bool address_equal(const struct address *one, const struct address *other)
{
	return one->domain == other->domain && one->bus == other->bus &&
	       one->slot == other->slot && one->function == other->function;
}

/* The routing ID: bus, device and function as one number, in which a PF counts its VFs. */
uint16_t address_routing_id(const struct address *address)
{
	return address->bus << 8 | address->slot << 3 | address->function;
}

static bool take_id(const char **text, uint16_t *id)
{
	uint32_t value;

	if (!take_hex(text, 4, &value))
		return false;
	*id = value;
	return true;
}

/* Parses VVVV:DDDD[:SVVV:SDDD]. */
bool ids_parse(const char *text, struct pci_ids *ids, bool *has_subsystem)
{
	*ids = (struct pci_ids){};
	if (!take_id(&text, &ids->vendor) || !take_char(&text, ':') ||
	    !take_id(&text, &ids->device))
		return false;
	*has_subsystem = *text;
	if (!*has_subsystem)
		return true;
	return take_char(&text, ':') && take_id(&text, &ids->subvendor) &&
	       take_char(&text, ':') && take_id(&text, &ids->subdevice) && !*text;
}
